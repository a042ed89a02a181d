package upstream

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// The queries of legacy backends keep their order and spelling. Only the parameters that an edit names are
// changed.

func dropQuery(query string, names []string) string {
	if len(names) == 0 {
		return query
	}
	return dropFromQuery(query, func(name string) bool { return slices.Contains(names, name) })
}

// dropFromQuery removes the parameters for whose names drop returns true.
func dropFromQuery(query string, drop func(name string) bool) string {
	if query == "" {
		return query
	}
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		if n, _, _ := strings.Cut(pair, "="); !drop(unescaped(n)) {
			kept = append(kept, pair)
		}
	}
	return strings.Join(kept, "&")
}

func setQuery(query, name, text string) string {
	query = dropQuery(query, []string{name})
	if query != "" {
		query += "&"
	}
	return query + url.QueryEscape(name) + "=" + url.QueryEscape(text)
}

func unescaped(s string) string {
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s
}

// escapePath escapes a text for a URL's path. Slashes stay.
func escapePath(s string) string {
	return (&url.URL{Path: s}).EscapedPath()
}

// pathOf returns the two forms of an escaped path in a URL.
func pathOf(escaped string) (path, raw string) {
	path, err := url.PathUnescape(escaped)
	if err != nil {
		return escaped, ""
	}
	return path, escaped
}

// urlOf returns the URL of an escaped path and a raw query.
func urlOf(escaped, query string) *url.URL {
	u := &url.URL{RawQuery: query}
	u.Path, u.RawPath = pathOf(escaped)
	return u
}

// climbs reports whether a path has a segment that a server may resolve against another.
func climbs(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

// headerValue removes bytes that are not allowed in the value of a header field (RFC 9110, section 5.5). All
// other bytes stay, because a validator need not be UTF-8.
func headerValue(s string) string {
	b := make([]byte, 0, len(s))
	for i := range len(s) {
		if c := s[i]; c >= ' ' && c != 0x7f || c == '\t' {
			b = append(b, c)
		}
	}
	return string(b)
}

// keepCookies removes all cookies from a request's header, except those with the given names.
func keepCookies(header http.Header, names []string) {
	filterCookies(header, func(name string) bool { return slices.Contains(names, name) })
}

// addCookies puts cookies before those of a request's header. They replace cookies of the same name.
func addCookies(header http.Header, cookies []*http.Cookie) {
	if len(cookies) == 0 {
		return
	}
	pairs := make([]string, 0, len(cookies)+1)
	for _, c := range cookies {
		pairs = append(pairs, c.String())
	}
	filterCookies(header, func(name string) bool {
		return !slices.ContainsFunc(cookies, func(c *http.Cookie) bool { return c.Name == name })
	})
	if rest := header.Get("Cookie"); rest != "" {
		pairs = append(pairs, rest)
	}
	header.Set("Cookie", strings.Join(pairs, "; "))
}

func filterCookies(header http.Header, keep func(name string) bool) {
	var kept []string
	for _, line := range header.Values("Cookie") {
		for pair := range strings.SplitSeq(line, ";") {
			pair = strings.TrimSpace(pair)
			if name, _, _ := strings.Cut(pair, "="); pair != "" && keep(name) {
				kept = append(kept, pair)
			}
		}
	}
	if header.Del("Cookie"); len(kept) > 0 {
		header.Set("Cookie", strings.Join(kept, "; "))
	}
}
