package bridge

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testplan"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// TestWhatAClientMakesUpIsShownInPart has a client fill Caddy's bound on headers.
func TestWhatAClientMakesUpIsShownInPart(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 100_000)
	query := []string{long + "=1"}
	for i := range 10_000 {
		query = append(query, fmt.Sprintf("p%d=1", i))
	}
	b := newTestBridge(t, "")
	p := requestOf(t, b.plan, testsite.ClientRequest("GET", "/"+long+"?"+strings.Join(query, "&"), ""))
	a := Describe(p, "id", "board")
	if size := len(fmt.Sprint(a)); size > 1000 || !strings.HasPrefix(a.Path, "/xxx") || !strings.HasSuffix(a.Path, "…") || len(a.Query) != maxNames {
		t.Errorf("it takes %d bytes: %+v", size, a)
	}
	if a = Describe(requestOf(t, b.plan, testsite.ClientRequest("GET", "/short?room=1", "")), "id", "board"); a.Path != "/short" || fmt.Sprint(a.Query) != "[room]" {
		t.Errorf("got %+v", a)
	}
}

func TestOnlyNamesOfAQueryAreTold(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"":                    "[]",
		"room=blue&since=4&=": "[room since]",
		"room=1&room=2":       "[room]",
		"s3cr3t":              "[]",
		"s3cr3t=&room=1":      "[room]",
		"s3cr3t==":            "[]",
	} {
		if got := fmt.Sprint(queryNames(query)); got != want {
			t.Errorf("%q: got %s, want %s", query, got, want)
		}
	}
}

func TestAllThatTellsFeedsApartIsToldByName(t *testing.T) {
	t.Parallel()
	plan := testplan.Behind(t, "php_fastcgi localhost:9 {\nenv WHO {header.X-Who}\nenv PORT {http.request.local.port}\n}", "items a", "id id", "query since {sse.cursor}", "header_up X-Team red")
	r := testsite.ClientRequest("POST", "/a?room=secret&since=4", "secret", testsite.Header("Cookie", "sid=secret; theme=secret; secret"), testsite.Header("Authorization", "secret"),
		testsite.Header("X-Who", "secret"), testsite.Header("Content-Type", "text/plain"), testsite.WithVar("csp_nonce", "secret"), testsite.Local("192.0.2.7:443"))
	got := fmt.Sprintf("%+v", Describe(requestOf(t, plan, r), "id", "board"))
	want := "{ID:id Bridge:board Method:POST Host:example.com Path:/a Query:[room] Headers:[Authorization Content-Type Cookie X-Team] Cookies:[sid theme] " +
		"Vars:[csp_nonce] Placeholders:[http.request.header.X-Who] Also:[body original_uri local_address]}"
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
