package suggest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/trial"
)

// patience is how long the first answer is waited for: the endpoint may hold it until there is news.
const patience = time.Minute

// findings are what is known of an endpoint after its first answer.
type findings struct {
	*Endpoint
	first reply
	found page.Found // read as its format says
	list  *list      // nil where there is none

	untrusted bool // it has a certificate that is not trusted
}

// look gets the first answer. One that has nothing in it since the URL asks for what is new is asked for once
// more without that.
func (f *findings) look(ctx context.Context) (err error) {
	if name := f.position(); name != "" {
		if f.first, err = f.listen(ctx, f.Hold, "", ""); err != nil || f.first.goesOn {
			return err
		}
		if f.read(); f.list != nil {
			return nil
		}
		with := f.first
		if f.first, err = f.listen(ctx, f.Hold, name, ""); err != nil || f.first.goesOn {
			return err
		}
		if f.read(); f.list != nil {
			return nil
		}
		if f.first = with; !with.held {
			f.read()
			return nil
		}
	}
	if f.first, err = f.listen(ctx, patience, "", ""); err == nil && !f.first.goesOn {
		f.read()
	}
	return err
}

// distrusted reports whether an error says that the endpoint's certificate is not trusted, where the protocol is
// known by the URL all the same.
func (f *findings) distrusted(err error) bool {
	failed := (*tls.CertificateVerificationError)(nil)
	f.untrusted = errors.As(err, &failed)
	return f.untrusted && f.protocol() != nil
}

// block makes the block: of a protocol that is known by its marks, of a list, or of a document.
func (f *findings) block(ctx context.Context) (*Block, error) {
	b := newBlock(f.URL)
	if known := f.protocol(); known != nil {
		b.Notes = append(b.Notes, "it looks like "+known.name)
		known.write(f, b)
		f.public(b)
		return b, nil
	}
	if f.first.goesOn {
		return b, f.streamBlock(ctx, b)
	}
	if f.list != nil && f.list.id != "" {
		return b, f.listBlock(ctx, b)
	}
	return b, f.documentBlock(ctx, b)
}

// protocol returns the protocol that the endpoint is known to have; nil for none.
func (f *findings) protocol() *protocol {
	for i := range protocols {
		if protocols[i].is(f) {
			return &protocols[i]
		}
	}
	return nil
}

// usable reports why nothing can be made of the first answer.
func (f *findings) usable() error {
	a := f.first
	if a.Status != http.StatusUnauthorized && a.Status != http.StatusForbidden && a.Status/100 != 2 && f.protocol() != nil {
		return nil // it wants another method
	}
	if a.held || a.quiet() || a.Status/100 == 2 && !isLogin(f) || a.Header.Get("X-Consul-Index") != "" {
		return nil
	}
	err := fmt.Errorf("the endpoint answers with status %d", a.Status)
	if a.Status/100 == 2 {
		err = errors.New("the endpoint answers with an HTML page")
	}
	return withHint(err, trial.Hint(trial.Evidence{Document: true, Answer: &a.Response, Found: f.found, Err: err}))
}

// password finds the field of a page by which one logs in.
var password = regexp.MustCompile(`(?is)<html.*<input[^>]+type=["']?password`)

func isLogin(f *findings) bool { return f.found.Nature == "HTML" && password.Match(f.first.Body) }

func withHint(err error, hint string) error {
	if hint == "" {
		return err
	}
	return fmt.Errorf("%w: %s", err, hint)
}

// public keeps cookies away from an endpoint that has answered without any.
func (f *findings) public(b *Block) {
	if f.Header.Get("Cookie") == "" && f.first.Status/100 == 2 {
		b.add("it answers without cookies, so all visitors can share its polls; delete this line if the answer depends on the visitor", "cookies")
	}
	if f.Header.Get("Authorization") != "" {
		b.Notes = append(b.Notes, "each client sends its own Authorization; to poll with one of Caddy's: header_up Authorization {env.…}")
	}
}

// pace writes how often the endpoint is asked.
func (f *findings) pace(b *Block, holds bool) {
	h := f.first.Header
	every, err := strconv.Atoi(h.Get("X-Poll-Interval"))
	switch {
	case holds:
		b.add("it held a request for which there was no news", "long_poll")
	case err == nil && every > 0:
		b.add("what its X-Poll-Interval asks for", "interval", fmt.Sprintf("%ds", every))
	case slices.Equal(f.formatWords(), []string{"feed"}):
		b.add("feeds change seldom: every minute, and every ten while nothing happens", "interval", "1m", "10m")
	default:
		b.add("it answers at once: every 2s, and every 10s while nothing happens", "interval", "2s", "10s")
	}
}

func (f *findings) formatWords() []string {
	if f.list == nil {
		return nil
	}
	return f.list.format
}

// format writes the format, where JSON is not what the answer is.
func (f *findings) format(b *Block) {
	if words := f.formatWords(); words != nil {
		b.add("the answer is "+map[string]string{
			"feed": "a feed (RSS, Atom or JSON Feed): each entry is an event", "xml": "XML, which is read like JSON",
			"csv": "a table: each row is an event", "lines": "lines of JSON: each is an event",
		}[words[0]], append([]string{"format"}, words...)...)
	}
}
