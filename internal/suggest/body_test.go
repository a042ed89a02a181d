package suggest

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
)

// posted returns the block for an endpoint that is asked by a POST, on simulated time.
func posted(t *testing.T, body string, e endpoint) (block string, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var b *Block
		if b, err = For(t.Context(), Endpoint{
			URL: &url.URL{Scheme: "http", Host: "127.0.0.1:1", Path: "/poll"}, Header: make(http.Header), Client: e, Say: func(string) {}, Method: http.MethodPost, Body: body,
		}); err == nil {
			block = b.String()
		}
	})
	return block, err
}

func TestAPositionMayStandInTheBody(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, body, want string
		format           string // of the part with the position
	}{
		{"a form", "room=a+b&lastId=0&token=t0ps3cret", "body room=a+b&lastId={sse.cursor}&token={env.TOKEN}", "&lastId=%d&"},
		{"JSON", `{"room":"a","params":{"last":0}}`, "body `{\"room\":\"a\",\"params\":{\"last\":{sse.cursor}}}`", `"last":%d}`},
		{"JSON with texts", `{"token":"t0ps3cret","lastId":"0"}`, "body `{\"token\":\"{env.TOKEN}\",\"lastId\":\"{sse.cursor}\"}`", `"lastId":"%d"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			block, err := posted(t, c.body, func(r *http.Request) *http.Response {
				body, _ := io.ReadAll(r.Body)
				var rows []string
				for n := 1; n <= 4; n++ {
					if rows = append(rows, fmt.Sprintf(`{"id":%d}`, n)); strings.Contains(string(body), fmt.Sprintf(c.format, n)) {
						rows = nil
					}
				}
				return says(200, "["+strings.Join(rows, ",")+"]")
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range []string{"method POST", c.want, "id id", "start 0"} {
				if !hasLine(block, line) {
					t.Errorf("%s is missing in\n%s", line, block)
				}
			}
			if strings.Contains(block, "t0ps3cret") || strings.Contains(block, "query ") {
				t.Errorf("a secret, or a parameter of the query, is in\n%s", block)
			}
		})
	}
}

func TestABodyHasTheTypeThatItWasAskedWith(t *testing.T) {
	t.Parallel()
	for _, answered := range []string{"application/json", "text/html"} {
		block, err := posted(t, "room=a", func(*http.Request) *http.Response {
			resp := says(200, `[{"id":1},{"id":2}]`)
			resp.Header.Set("Content-Type", answered)
			return resp
		})
		if err != nil || !hasLine(block, "body room=a") {
			t.Errorf("an answer as %s: got %v, and\n%s", answered, err, block)
		}
	}
}

func TestACallIsRepeatedAsItIs(t *testing.T) {
	t.Parallel()
	const call = `{"jsonrpc":"2.0","id":1,"method":"core.tracklist.get_tl_tracks"}`
	asked := 0
	block, err := posted(t, call, func(r *http.Request) *http.Response {
		asked++
		if body, _ := io.ReadAll(r.Body); string(body) != call || r.URL.RawQuery != "" {
			t.Errorf("it is asked by %s with %s", r.URL, body)
		}
		return says(200, `{"jsonrpc":"2.0","id":1,"result":[{"tlid":1,"track":{"uri":"a"}},{"tlid":2,"track":{"uri":"b"}}]}`)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"method POST", "body `" + call + "`", "items result", "id tlid", "diff items"} {
		if !hasLine(block, line) {
			t.Errorf("%s is missing in\n%s", line, block)
		}
	}
	for _, said := range []string{"\tpath /", "addEventListener with snapshot, added, changed and removed"} {
		if !strings.Contains(block, said) {
			t.Errorf("%q is missing in\n%s", said, block)
		}
	}
	if asked > 5 {
		t.Errorf("%d requests", asked)
	}
}

// TestAParameterThatCountsItemsIsNoPosition has a list of one item, which any offset leaves out.
func TestAParameterThatCountsItemsIsNoPosition(t *testing.T) {
	t.Parallel()
	block, _, err := blockFor(t, "http://127.0.0.1:1/", func(r *http.Request) *http.Response {
		if offset := r.URL.Query().Get("offset"); offset != "" && offset != "0" {
			return says(200, `[]`)
		}
		return says(200, `[{"id":7,"text":"a"}]`)
	})
	if err != nil || strings.Contains(block, "offset") {
		t.Errorf("got %v, and\n%s", err, block)
	}
}

// FuzzInBody has what is found in a body come back from one with another value.
func FuzzInBody(f *testing.F) {
	f.Add("a=1&last=2", "last", "x")
	f.Add(`{"a":{"last":"2"}}`, "last", "x")
	f.Add(`{"last":2}`, "last", "7")
	f.Fuzz(func(t *testing.T, body, name, value string) {
		_, with, ok := inBody(body, name)
		if !ok || strings.ContainsAny(value, `"\&=%+`) || value == "" {
			return
		}
		again, _, ok := inBody(with(value), name)
		if ok && again != value && !strings.Contains(body, `"`) {
			t.Errorf("%q has %s=%q after it was set to %q", with(value), name, again, value)
		}
	})
}
