package quick

import (
	"context"
	"crypto/subtle"
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// maxPosted bounds what a page sends, in bytes.
const maxPosted = 1 << 20

// Listen listens at an address of loopback: a host and a port, where port 0 is any that is free. Others are refused,
// because whoever reaches the server can have it poll the endpoint.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("%q is not an address such as 127.0.0.1:8888: %w", address, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("%q is not an address of this machine alone: use 127.0.0.1, [::1] or localhost", address)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening for the page: %w", err)
	}
	return l, nil
}

// door returns what answers requests. Each must name this server as its host: a page of another site cannot make a
// browser do that, even where its name leads here (DNS rebinding). Each must have the token. What changes
// something must come from the page itself.
func (s *Server) door(at net.Addr) http.Handler {
	mux := http.NewServeMux()
	s.pages(mux)
	mux.HandleFunc("GET /stream", s.serveStream)
	mux.HandleFunc("GET /watch", s.serveWatch)
	mux.HandleFunc("POST /block", s.setBlock)
	mux.HandleFunc("POST /choose", s.choose)
	mux.HandleFunc("POST /examine", s.examineAgain)
	hosts := hostsOf(at)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secure(w.Header())
		if !slices.Contains(hosts, r.Host) {
			http.Error(w, "This server answers only at "+hosts[0], http.StatusMisdirectedRequest)
			return
		}
		token, path, inFolder := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		if subtle.ConstantTimeCompare([]byte(token), []byte(s.token)) != 1 {
			http.Error(w, "Open the URL that the command has printed: it has a token", http.StatusNotFound)
			return
		}
		if !inFolder {
			http.Redirect(w, r, s.Path(), http.StatusSeeOther)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			if !ours(r) {
				http.Error(w, "Only this server's page may do that", http.StatusForbidden)
				return
			}
			r.Body = http.MaxBytesReader(w, r.Body, maxPosted)
		}
		inside := r.Clone(r.Context())
		inside.URL = &url.URL{Path: "/" + path, RawQuery: r.URL.RawQuery}
		mux.ServeHTTP(w, inside)
	})
}

// hostsOf are the values of Host by which browsers name a listener. They leave port 80 out.
func hostsOf(at net.Addr) []string {
	host, port, _ := net.SplitHostPort(at.String()) // it has both
	all := []string{net.JoinHostPort(host, port), net.JoinHostPort("localhost", port)}
	if port == "80" {
		for _, named := range slices.Clone(all) {
			all = append(all, strings.TrimSuffix(named, ":80"))
		}
	}
	return all
}

// ours reports whether a request that changes something comes from the page. Browsers send the Origin with each
// one, and a form of another site cannot send JSON without being asked first.
func ours(r *http.Request) bool {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return r.Header.Get("Origin") == "http://"+r.Host && kind == "application/json"
}

// secure sets what keeps a browser from doing more with an answer than showing it.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin") // the path has the token
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}
