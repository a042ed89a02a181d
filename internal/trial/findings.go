package trial

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/shape"
)

// Findings says what each configured field has found, in the words of a Caddyfile.
func Findings(c page.Config, document bool, f page.Found) []Finding {
	var all []Finding
	add := func(what, found string) { all = append(all, Finding{What: what, Found: found}) }
	empty := len(bytes.TrimSpace(f.Body)) == 0
	if !document && !empty {
		what := strings.TrimSpace("items " + c.Items.String())
		switch {
		case !c.Program.IsZero():
			what = "jq"
		case c.Items.IsZero() && c.Format != page.Auto:
			what = "format " + string(c.Format)
		case c.Items.IsZero():
			what = "items @this"
		}
		found := ""
		if f.Items > 0 {
			found = shape.Count(f.Items, "item")
		}
		add(what, found)
	}
	if !c.ID.IsZero() && f.Items > 0 {
		add("id "+c.ID.String(), ids(f))
	}
	of := max(f.Items, 1)
	if !c.Event.IsZero() && !empty {
		add("event "+c.Event.String(), cmp.Or(strings.Join(f.Types, ", "), c.EventDefault))
	}
	if !c.Data.IsZero() && !empty {
		found := "found"
		if f.Data == 0 {
			found = ""
		} else if f.Data < of {
			found = fmt.Sprintf("in %d of %d", f.Data, of)
		}
		add("data "+c.Data.String(), found)
	}
	for _, cur := range c.Cursors {
		if empty && f.Cursor[cur.Name] == "" {
			continue
		}
		words := []string{"cursor", cur.Name}
		for _, v := range cur.Values {
			words = append(words, v.String())
		}
		words = slices.DeleteFunc(words, func(w string) bool { return w == "" })
		add(strings.Join(words, " "), clip(f.Cursor[cur.Name]))
	}
	if f.Ignored > 0 {
		add("ignore", fmt.Sprintf("%d of %d", f.Ignored, of))
	}
	for _, condition := range f.Holds {
		add(condition, "holds")
	}
	return all
}

func ids(f page.Found) string {
	switch {
	case f.IDs == 0:
		return ""
	case f.Items == 1:
		return f.First
	case f.IDs < f.Items:
		return fmt.Sprintf("in %d of %d", f.IDs, f.Items)
	}
	return f.First + " … " + f.Last
}
