package bridge

import (
	"maps"
	"slices"
	"strings"

	"github.com/sse-bridge/caddy-sse-bridge/internal/upstream"
)

const (
	// maxCursor is how many bytes of a cursor operators see.
	maxCursor = 64
	// maxNamed is how many bytes of a host, a path and a parameter's name they see. Clients choose these, and
	// they are in each line of the log, each event and each snapshot for the status page.
	maxNamed = 256
	// maxNames is how many parameters they see.
	maxNames = 32
)

// About is what operators see of a feed's poll request: its target, and the names of its parts. It contains no
// values of the client or of the configuration.
type About struct {
	ID     string `json:"id"`
	Bridge string `json:"bridge"`
	Method string `json:"method"`
	Host   string `json:"host"`
	Path   string `json:"path"` // as the first client sent it

	// the names of the parts in which feeds differ
	Query        []string `json:"query"`
	Headers      []string `json:"headers"`
	Cookies      []string `json:"cookies"`
	Vars         []string `json:"vars"`
	Placeholders []string `json:"placeholders"` // those of the upstream's handlers
	Also         []string `json:"also"`         // the parts without a name: body, original_uri, local_address
}

// Describe returns what operators may see of a request.
func Describe(p *upstream.Request, id, bridge string) About {
	a := About{
		ID: id, Bridge: bridge, Method: p.Said.Method, Host: brief(p.Said.Host), Path: brief(p.Sent.Path), Query: queryNames(p.Said.Query),
		Cookies: namesIn(p.Said.Header["Cookie"], ";"), Vars: sortedNames(p.Said.Vars), Also: []string{},
	}
	headers := maps.Clone(p.Said.Header)
	for _, own := range []string{"X-Requested-With", "Accept", "User-Agent"} {
		delete(headers, own)
	}
	for _, e := range p.HeaderEdits {
		if delete(headers, e.Name); !e.Del {
			headers[e.Name] = nil
		}
	}
	a.Headers = sortedNames(headers)
	placeholders, also := make(map[string]bool), make(map[upstream.PartKind]bool)
	for _, s := range append([]*upstream.Said{p.Said}, p.Said.Steps...) {
		for name := range s.Placeholders {
			placeholders[name] = true
		}
		also[upstream.PartBody] = also[upstream.PartBody] || len(s.Body) > 0
		also[upstream.PartOriginal] = also[upstream.PartOriginal] || s.Original != nil
		also[upstream.PartLocal] = also[upstream.PartLocal] || s.Local != (upstream.LocalAddr{})
	}
	a.Placeholders = sortedNames(placeholders)
	for _, kind := range []upstream.PartKind{upstream.PartBody, upstream.PartOriginal, upstream.PartLocal} {
		if also[kind] {
			a.Also = append(a.Also, string(kind))
		}
	}
	return a
}

// sortedNames returns the names of a map; never nil.
func sortedNames[V any](named map[string]V) []string {
	return slices.AppendSeq(make([]string, 0, len(named)), slices.Values(slices.Sorted(maps.Keys(named))))
}

// brief shortens a text of a client to the length that is shown.
func brief(text string) string {
	if len(text) <= maxNamed {
		return text
	}
	return strings.ToValidUTF8(text[:maxNamed], "") + "…"
}

// queryNames returns the names of a query's parameters, each once, at most maxNames.
func queryNames(query string) []string { return namesIn([]string{query}, "&") }

// namesIn returns the names of pairs, each once, at most maxNames.
func namesIn(lines []string, separator string) []string {
	names := []string{}
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, separator) {
			if name, _ := named(pair); len(names) < maxNames && name != "" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// named returns the name of a pair, shortened, and its value. A text without a value may be a value itself, so
// it has no name; in base64 it ends in `=` (RFC 4648, section 4).
func named(pair string) (name, text string) {
	name, text, _ = strings.Cut(strings.TrimSpace(pair), "=")
	if strings.Trim(text, "=") == "" {
		return "", text
	}
	return brief(name), text
}
