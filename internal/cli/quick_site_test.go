package cli

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/quick"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// quickOf is a site of an endpoint, and what its polls have told.
func quickOf(t *testing.T, target string, headers ...string) (*quickSite, chan quick.Poll) {
	t.Helper()
	flags := quickCommand().Flags()
	for _, field := range headers {
		if err := flags.Set("header", field); err != nil {
			t.Fatal(err)
		}
	}
	endpoint, err := newQuickEndpoint(flags, target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for name := range endpoint.secrets {
			_ = os.Unsetenv(name)
		}
	})
	site := &quickSite{endpoint: endpoint, ctx: t.Context()}
	t.Cleanup(site.stop)
	return site, make(chan quick.Poll, 1000)
}

// received waits for what comes next.
func received[T any](t *testing.T, from <-chan T) (got T) {
	t.Helper()
	select {
	case got = <-from:
	case <-time.After(testsite.Patience):
		t.Fatal("nothing has come")
	}
	return got
}

func TestQuickMasksWhatItWasGivenWhereverABlockPutsIt(t *testing.T) {
	const key, code = "a-key-of-mine", "a-code-of-mine"
	asked := make(chan string, 1000)
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.String() + " " + r.Header.Get("X-Other")
		fmt.Fprint(w, `{"a":1}`)
	}))
	defer backend.Close()
	site, polls := quickOf(t, backend.URL+"/m?code="+code, "X-Mine: "+key)
	block := "sse_bridge /m " + strings.TrimPrefix(backend.URL, "http://") + " {\n\tquery page {env.X_MINE}\n\theader_up X-Other {env.CODE}\n\tbody {env.X_MINE}\n}\n"
	if _, err := site.Run(block, func(p quick.Poll) { polls <- p }); err != nil {
		t.Fatal(err)
	}
	p := received(t, polls)
	if got := received(t, asked); !strings.Contains(got, key) || !strings.Contains(got, code) {
		t.Errorf("the backend was asked %s", got)
	}
	if told := fmt.Sprintf("%+v %+v", p.Report.Exchanges, p.Report.Next.Request); strings.Contains(told, key) || strings.Contains(told, code) {
		t.Errorf("the page is told %s", told)
	}
}

func TestQuickShowsNoFieldThatIsLeftOutOfItsBlock(t *testing.T) {
	site, _ := quickOf(t, "http://127.0.0.1:9000/m", "Accept-Language: {a}", "User-Agent: mine")
	if got := site.endpoint.fence().env; !slices.Equal(got, []string{"ACCEPT_LANGUAGE"}) {
		t.Errorf("a block may read %q", got)
	}
}

func TestQuickAsksABlockAtItsOwnPath(t *testing.T) {
	site, _ := quickOf(t, "http://127.0.0.1:9/m/a%20b")
	for block, want := range map[string]string{
		"sse_bridge 127.0.0.1:9":            "/m/a b",
		"sse_bridge * 127.0.0.1:9":          "/m/a b",
		"sse_bridge /m/* 127.0.0.1:9":       "/m/a b",
		"sse_bridge \"/M/a b\" 127.0.0.1:9": "/m/a b",
		"sse_bridge /Other 127.0.0.1:9":     "/Other",
	} {
		config, err := adaptBlock(block)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := site.endpoint.pathOf(config); got != want || err != nil {
			t.Errorf("%s: %q, %v", block, got, err)
		}
	}
	const want = "it does not match the path of the endpoint: write sse_bridge /m/a b"
	if _, err := site.Run("sse_bridge /other/* 127.0.0.1:9", func(quick.Poll) {}); err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
}

func TestQuickPollsABotWhoseTokenIsInThePath(t *testing.T) {
	const token = "123456:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
	asked := make(chan string, 1000)
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Path
		fmt.Fprint(w, `{"ok":true,"result":[{"update_id":1}]}`)
	}))
	defer backend.Close()
	site, polls := quickOf(t, backend.URL+"/bot"+token+"/getUpdates")
	block := "sse_bridge /getUpdates " + strings.TrimPrefix(backend.URL, "http://") + " {\n\trewrite /bot{env.BOT_TOKEN}/getUpdates\n}\n"
	if _, err := site.Run(block, func(p quick.Poll) { polls <- p }); err != nil {
		t.Fatal(err)
	}
	p := received(t, polls)
	if got, want := received(t, asked), "/bot"+token+"/getUpdates"; got != want {
		t.Errorf("the backend was asked for %s, not %s", got, want)
	}
	if told := fmt.Sprintf("%+v %+v %s", p.Report.Exchanges, p.Report.Next.Request, site.endpoint.shown()); strings.Contains(told, token) {
		t.Errorf("the page is told %s", told)
	}
}
