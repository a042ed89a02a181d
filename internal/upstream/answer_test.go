package upstream

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

func TestAnEncodedAnswerIsReadNoFurtherThanItsLimit(t *testing.T) {
	t.Parallel()
	body := testsite.Gzipped(strings.Repeat("a", 1000) + "b")
	for limit, want := range map[int64]int{1 << 20: 1001, 1001: 1001, 1000: 0, 10: 0} {
		got, err := new(unpacker).decompress("GZIP", body, limit)
		if len(got) != want || (err == nil) != (want > 0) {
			t.Errorf("limit %d: got %d bytes, %v", limit, len(got), err)
		}
	}
	broken := append(testsite.Gzipped(strings.Repeat("a", 1000)), "no gzip"...)
	if _, err := new(unpacker).decompress("gzip", broken, 10); !errors.Is(err, errTooLarge) {
		t.Errorf("it was read beyond its limit: %v", err)
	}
	if got, err := new(unpacker).decompress("identity", []byte("a"), 10); err != nil || string(got) != "a" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestAnEncodedAnswerWithoutABodyIsBroken(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status   int
		head     bool
		encoding []string
		body     string
		broken   string // why; empty where it is not
	}{
		{200, false, []string{"gzip"}, "", "gzip"},
		{200, false, []string{"x-gzip"}, "", "gzip"},
		{206, false, []string{"GZip"}, "", "gzip"},
		{200, false, []string{"gzip"}, string(testsite.Gzipped("a")[:17]), "gzip"},
		{200, false, []string{"gzip"}, "a", "gzip"},
		{200, false, []string{"deflate"}, "", `"deflate"`},
		{200, false, []string{"br"}, "", `"br"`},
		{200, false, []string{"gzip", "br"}, "", `"gzip, br"`},
		{200, false, []string{"gzip"}, string(testsite.Gzipped("")), ""},
		{200, false, []string{"gzip"}, string(testsite.Gzipped("a")) + string(testsite.Gzipped("b")), ""},
		{200, false, []string{"identity, gzip"}, string(testsite.Gzipped("a")), ""},
		{200, false, []string{"identity"}, "", ""},
		{200, false, []string{""}, "", ""},
		{200, false, nil, "", ""},
		{200, true, []string{"gzip"}, "", ""},
		{204, false, []string{"gzip"}, "", ""},
		{205, false, []string{"gzip"}, "", ""},
		{304, false, []string{"gzip"}, "", ""},
		{401, false, []string{"gzip"}, "", "gzip"}, // which the status is told in spite of
	} {
		a := NewAnswer(100)
		a.head = c.head
		a.Header()["Content-Encoding"] = c.encoding
		a.WriteHeader(c.status)
		a.Write([]byte(c.body))
		resp, err := a.Response()
		if err != nil || resp.Status != c.status || (resp.Broken == nil) != (c.broken == "") || resp.Broken != nil && (!strings.Contains(resp.Broken.Error(), c.broken) || len(resp.Body) > 0) {
			t.Errorf("%d, head %t, %q of %d bytes: %+v, %v; want it broken by %q", c.status, c.head, c.encoding, len(c.body), resp, err, c.broken)
		}
	}
}

// FuzzGunzip compares with a plain use of the library, whatever a body says of its length.
func FuzzGunzip(f *testing.F) {
	for _, text := range []string{"", "a", strings.Repeat("a", 5000)} {
		body := testsite.Gzipped(text)
		f.Add(body, 100)
		f.Add(append(body, body...), 1<<14)
		f.Add(body[:len(body)-1], 1<<14)
		f.Add(append(body, 0, 0, 0, 1), 1<<14)
	}
	f.Fuzz(func(t *testing.T, body []byte, limit int) {
		limit = max(0, min(limit, 1<<20))
		got, err := new(unpacker).gunzip(body, int64(limit))
		var want []byte
		z, failed := gzip.NewReader(bytes.NewReader(body))
		if failed == nil {
			want, failed = io.ReadAll(io.LimitReader(z, int64(limit)+1))
		}
		switch {
		case failed == nil && len(want) > limit:
			if !errors.Is(err, errTooLarge) {
				t.Fatalf("%d bytes over the limit of %d: %v", len(want), limit, err)
			}
		case (err == nil) != (failed == nil) || err == nil && !bytes.Equal(got, want):
			t.Fatalf("got %q, %v; want %q, %v", got, err, want, failed)
		}
	})
}

func TestAnAnswerKeepsNoMoreThanItsLimit(t *testing.T) {
	t.Parallel()
	a := NewAnswer(10)
	for range 100 {
		if _, err := a.Write([]byte("abcdef")); err != nil {
			break
		}
	}
	if _, err := a.Response(); err == nil || a.body.Len() > 10 {
		t.Errorf("kept %d bytes, error %v", a.body.Len(), err)
	}
	exact := NewAnswer(6)
	exact.WriteHeader(http.StatusEarlyHints)
	exact.Header().Set("X-Late", "no")
	exact.WriteHeader(http.StatusAccepted)
	exact.Header().Set("X-Late", "yes")
	if _, err := exact.Write([]byte("abcdef")); err != nil {
		t.Error(err)
	}
	if resp, err := exact.Response(); err != nil || resp.Status != http.StatusAccepted || string(resp.Body) != "abcdef" || resp.Header.Get("X-Late") != "no" {
		t.Errorf("got %+v, %v", resp, err)
	}
	silent := NewAnswer(6)
	if resp, err := silent.Response(); err != nil || resp.Status != http.StatusOK {
		t.Errorf("an upstream that writes nothing: %+v, %v", resp, err)
	}
}
