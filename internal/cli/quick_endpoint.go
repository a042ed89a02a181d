package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/spf13/pflag"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/suggest"
	"github.com/sse-bridge/caddy-sse-bridge/internal/trial"
)

// quickEndpoint is the endpoint that is served as a stream.
type quickEndpoint struct {
	suggest.Endpoint
	secrets map[string]string // what the block has placeholders for, by the name of the environment's variable
}

// newQuickEndpoint reads the command line. A user and a password in the URL become a header field. Cookies are
// Caddy's: the browser has none of the endpoint.
func newQuickEndpoint(flags *pflag.FlagSet, target string) (*quickEndpoint, error) {
	u, err := parseTarget(target)
	if err != nil {
		return nil, err
	}
	headers := withLogin(u, flags.Lookup("header").Value.(*flagValues).values)
	u.Fragment = ""
	e := new(quickEndpoint)
	if e.Endpoint, err = endpointOf(flags, u.String(), headers); err != nil {
		return nil, err
	}
	if e.Header.Get("Cookie") != "" {
		e.Ours = append(e.Ours, "Cookie")
	}
	return e, e.export()
}

// shown is the endpoint's URL without the secrets in it.
func (e *quickEndpoint) shown() *url.URL {
	u, err := url.Parse(trial.Request{URL: e.URL.String()}.Mask(e.hidden()).URL)
	if err != nil {
		return &url.URL{Scheme: e.URL.Scheme, Host: e.URL.Host, Path: "/"}
	}
	return u
}

// export puts what the block has placeholders for into the environment.
func (e *quickEndpoint) export() (err error) {
	if e.secrets, err = e.Environment(); err != nil {
		return err
	}
	for name, value := range e.secrets {
		if there, found := os.LookupEnv(name); found && there != value {
			return fmt.Errorf("the environment has another %s: unset it, since the block's placeholder {env.%s} must have the value that was given here", name, name)
		}
		if err := os.Setenv(name, value); err != nil {
			return fmt.Errorf("setting %s for the placeholder {env.%s}: %w", name, name, err)
		}
	}
	return nil
}

// fence is what a block can do that somebody writes.
func (e *quickEndpoint) fence() fence { return fence{e.URL, slices.Collect(maps.Keys(e.secrets))} }

// hidden is what is masked in all that is told of polls, wherever a block puts it.
func (e *quickEndpoint) hidden() trial.Secrets {
	return trial.NewSecrets(slices.Collect(maps.Values(e.secrets))...)
}

// examined is the endpoint for an examination.
func (e *quickEndpoint) examined(say func(string)) suggest.Endpoint {
	examined := e.Endpoint
	examined.Say = say
	return examined
}

// request is the request for the stream as it reaches the block, which may be at another path than the endpoint.
func (e *quickEndpoint) request(path string) *http.Request {
	u := *e.URL
	if path != u.Path {
		u.Path, u.RawPath = path, ""
	}
	u.RawQuery = "" // the block has what of it belongs to the polls
	r, err := tryRequest(&u, nil)
	if err != nil {
		panic(err) // its URL was read before
	}
	r.Host = e.Host
	return r
}

// pathOf returns the path at which the block of a site is reached: the endpoint's or, if that does not match, the one
// that the block names. Its matcher can only be a path, since others are directives of their own.
func (e *quickEndpoint) pathOf(site []byte) (string, error) {
	var c struct {
		Apps struct {
			HTTP struct {
				Servers map[string]struct {
					Routes []struct {
						Match []struct {
							Path caddyhttp.MatchPath `json:"path"`
						} `json:"match"`
					} `json:"routes"`
				} `json:"servers"`
			} `json:"http"`
		} `json:"apps"`
	}
	if err := json.Unmarshal(site, &c); err != nil {
		return "", fmt.Errorf("reading the configuration: %w", err)
	}
	r := e.request(e.URL.Path)
	r = r.WithContext(context.WithValue(r.Context(), caddy.ReplacerCtxKey, caddy.NewReplacer()))
	var named []string
	for _, server := range c.Apps.HTTP.Servers {
		for _, route := range server.Routes {
			if len(route.Match) == 0 {
				return e.URL.Path, nil
			}
			for _, m := range route.Match {
				named = append(named, m.Path...) // before they become patterns
				if err := m.Path.Provision(caddy.Context{}); err != nil {
					return "", fmt.Errorf("reading the matcher: %w", err)
				}
				found, err := m.Path.MatchWithError(r)
				if err != nil {
					return "", fmt.Errorf("matching the endpoint's path: %w", err)
				}
				if found {
					return e.URL.Path, nil
				}
			}
		}
	}
	if len(named) == 0 || strings.ContainsAny(named[0], "*{%") {
		return "", fmt.Errorf("it does not match the path of the endpoint: write %s %s", config.Directive, e.URL.Path)
	}
	return named[0], nil
}
