package suggest

import (
	"context"
	"slices"

	"github.com/tidwall/gjson"

	"github.com/sse-bridge/caddy-sse-bridge/internal/shape"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// nextPage says where the next page of a list is.
type nextPage struct {
	from      string // what `cursor` is to be
	parameter string // that the cursor goes back in; empty where it is a URL
}

// nextURLs and nextTokens are where an answer says that there is more: a URL, or what goes back in a parameter.
var (
	nextURLs   = []string{"next", "next_url", "nextUrl", "nextLink", "next_page_url", "links.next", "_links.next.href", "_links.next", "paging.next", "pagination.next", "links.next.href", "meta.next"}
	nextTokens = []struct{ path, parameter string }{
		{"nextPageToken", "pageToken"},
		{"next_page_token", "page_token"},
		{"next_cursor", "cursor"},
		{"nextCursor", "cursor"},
		{"metadata.continue", "continue"},
		{"continuation", "continuation"},
		{"continuationToken", "continuationToken"},
		{"next_token", "next_token"},
		{"NextToken", "NextToken"},
		{"nextToken", "nextToken"},
		{"response_metadata.next_cursor", "cursor"},
		{"next_marker", "marker"},
		{"nextMarker", "marker"},
		{"NextMarker", "marker"},
	}
)

// next finds out whether the list goes on in another page; nil if nothing says so.
func (f *findings) next(ctx context.Context) (*nextPage, error) {
	if value.Link(f.first.Header, "next") != "" {
		return &nextPage{from: "{sse.link.next}"}, nil
	}
	if !f.found.JSON || f.list != nil && f.list.config.Format != "" || len(shape.Lists(shape.Places(f.found.Body))) == 0 {
		return nil, nil // there is none
	}
	for _, path := range nextURLs {
		if at := gjson.GetBytes(f.found.Body, path); at.Type == gjson.String && isURL(at.Str) {
			return &nextPage{from: path}, nil
		}
	}
	if f.list == nil || f.list.id == "" {
		return nil, nil // whether a page is another one shows by the ids
	}
	for _, known := range nextTokens {
		at := gjson.GetBytes(f.found.Body, known.path)
		if at.Type != gjson.String && at.Type != gjson.Number || at.String() == "" {
			continue
		}
		if goesOn, err := f.isNext(ctx, known.parameter, at.String()); err != nil || goesOn {
			return &nextPage{from: known.path, parameter: known.parameter}, err
		}
	}
	for _, p := range shape.Scalars(shape.Places([]byte(gjson.GetBytes(f.found.Body, "continue").Raw))) { // MediaWiki
		if p.Key == "" || p.Key == "continue" {
			continue
		}
		if goesOn, err := f.isNext(ctx, p.Key, p.Value.String()); err != nil || goesOn {
			return &nextPage{from: "continue." + p.Path, parameter: p.Key}, err
		}
	}
	return nil, nil // there is none
}

// isNext reports whether a parameter leads to a page with other items.
func (f *findings) isNext(ctx context.Context, parameter, token string) (bool, error) {
	a, err := f.ask(ctx, f.Hold, parameter, token)
	if err != nil {
		return false, err
	}
	ids, ok := f.list.idsIn(a.Response)
	return ok && a.Status/100 == 2 && len(ids) > 0 && !overlap(ids, f.list.ids()), nil
}

func isURL(text string) bool {
	return len(text) > 1 && (text[0] == '/' || text[0] == '?' || slices.ContainsFunc([]string{"http://", "https://"}, func(scheme string) bool {
		return len(text) > len(scheme) && text[:len(scheme)] == scheme
	}))
}

// morePages adds how the pages after the first are read, if there are any.
func morePages(b *Block, n *nextPage) {
	if n == nil {
		return
	}
	b.add("the list has pages: where the next one is", "cursor", n.from)
	if n.parameter == "" {
		b.add("that is a URL", "rewrite", "{sse.cursor}")
	} else {
		b.add("by which it is asked for", "query", n.parameter, "{sse.cursor}")
	}
	b.add("all pages are one list", "more", n.from)
}
