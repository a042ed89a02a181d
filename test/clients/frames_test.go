package clients

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/test/browser"
)

// newFrames starts a WebKitGTK, in which each client has a frame of one page: a driver switches between windows, but reads all frames at once.
func newFrames(t *testing.T) *tabs {
	t.Helper()
	w := browser.NewWebKit(t, "--ignore-tls-errors")
	w.Evaluate(t, `(() => {
		window.said = [];
		addEventListener("message", e => said.push(e.data));
		window.open = (number, url) => document.body.append(Object.assign(document.createElement("iframe"), {name: number, src: url}));
		window.close = number => document.querySelector("iframe[name='" + number + "']")?.remove();
	})()`, new(any))
	commands := make(lines, 100)
	b := &tabs{input: commands, says: map[int]chan string{0: nil}, exited: make(chan struct{})}
	stop := make(chan struct{})
	go func() {
		defer close(b.exited)
		for {
			var err error
			select {
			case <-stop:
				return
			case line := <-commands:
				number, url, opens := strings.Cut(line, " ")
				script := fmt.Sprintf("close(%s)", number)
				if opens {
					script = fmt.Sprintf("void open(%s, %q)", number, url)
				}
				err = w.Ask(script, new(any))
			default:
				var said []struct {
					Tab  int    `json:"tab,string"`
					Text string `json:"text"`
				}
				err = w.Ask(`new Promise(done => setTimeout(() => done(said.splice(0)), said.length ? 0 : 20))`, &said)
				for _, s := range said {
					b.tell(s.Tab, s.Text)
				}
			}
			if err != nil {
				t.Errorf("driving WebKit: %v", err)
				return
			}
		}
	}()
	t.Cleanup(func() {
		close(stop)
		<-b.exited
	})
	return b
}

// lines is written to line by line.
type lines chan string

func (l lines) Write(text []byte) (int, error) {
	l <- strings.TrimSuffix(string(text), "\n")
	return len(text), nil
}
