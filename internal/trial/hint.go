package trial

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/shape"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// Evidence is what a poll has brought, for who asks why it brought no more.
type Evidence struct {
	Config   page.Config
	Document bool
	Answer   *page.Response // nil where none came
	Found    page.Found
	Page     page.Page
	Err      error // of the poll
}

// Hint says the likely reason why nothing, or not what was meant, has come of a poll, and what would
// be right. It is empty where all is well.
func Hint(e Evidence) string {
	if e.Answer == nil {
		return unanswered(e)
	}
	if text := refused(e); text != "" {
		return text
	}
	if e.Page.Reset || e.Answer.Status == http.StatusNotModified || len(bytes.TrimSpace(e.Found.Body)) == 0 {
		return ""
	}
	if e.Found.Passed && e.Err == nil {
		return ""
	}
	for _, ask := range []func(Evidence) string{notJSON, noItems, oneItem, notFound, repeated, stuck, errorDocument, listUnread} {
		if text := ask(e); text != "" {
			return text
		}
	}
	return ""
}

// unanswered explains why no answer came.
func unanswered(e Evidence) string {
	err := e.Err
	if err == nil {
		return ""
	}
	says := func(text string) bool { return strings.Contains(err.Error(), text) } // reverse_proxy wraps some as text
	switch {
	case says("connection refused"):
		return "nothing listens there: is the backend running, and is this its address and port?"
	case says("no such host"), says("server misbehaving"):
		return "the host name is unknown: is it spelled correctly?"
	case errors.Is(err, context.DeadlineExceeded) && e.Config.Stream:
		return "some backends send the head of such an answer with its first record or sign of life: raise timeout"
	case errors.Is(err, context.DeadlineExceeded):
		return "if the backend holds requests until there is news, add long_poll; if it is slow, raise timeout"
	case says("HTTP response to HTTPS client"):
		return "the backend speaks HTTP without TLS there: write http:// instead of https://"
	case says("certificate"):
		return "the backend's certificate is not trusted: use the host name of the certificate, or set tls_trust_pool of a reverse_proxy in an upstream block"
	}
	return ""
}

// refused explains a status that is no answer.
func refused(e Evidence) string {
	switch s := e.Answer.Status; {
	case s == http.StatusTooManyRequests, limited(e.Err, s):
		return "the backend is asked too often: raise interval"
	case s == http.StatusUnauthorized:
		text := "the backend requires authentication: send what your browser sends, with -H 'Cookie: …' or -H 'Authorization: …'"
		if challenge, _, _ := strings.Cut(e.Answer.Header.Get("WWW-Authenticate"), " "); challenge != "" {
			text += " (it asks for " + challenge + ")"
		}
		return text
	case s == http.StatusForbidden:
		return "the backend refuses this user, or requires a cookie or a header that is missing: compare with what a browser sends, and add it with -H or header_up"
	case s >= 300 && s < 400 && s != http.StatusNotModified:
		return fmt.Sprintf("it redirects to %s: use that URL, or, if it is a login, send your cookie with -H 'Cookie: …'", e.Answer.Header.Get("Location"))
	case s == http.StatusNotFound && e.Err != nil:
		return "nothing is at this path; if the backend answers 404 while there is no news, add accept 404"
	case s == http.StatusMethodNotAllowed:
		text := "the backend requires another method here"
		if allow := e.Answer.Header.Get("Allow"); allow != "" {
			text += ": " + allow
		}
		return text + "; set it with method"
	case e.Err != nil && s >= 400 && e.Found.JSON:
		return complaint(e.Found.Body)
	}
	return ""
}

// limited reports whether a status that is none of those which say later by themselves says so.
func limited(err error, status int) bool {
	failed, ok := errors.AsType[*page.Error](err)
	return ok && failed.Later && status != http.StatusConflict && status != http.StatusLocked && status != http.StatusTooEarly
}

// login finds the forms by which one logs in.
var login = regexp.MustCompile(`(?i)<input[^>]+type=["']?password|<form[^>]+(login|sign-?in|auth)|<title>[^<]*(log ?in|sign ?in|anmeld|connexion)`)

// notJSON explains an answer that is a page for people, or broken.
func notJSON(e Evidence) string {
	if e.Found.JSON || e.Found.Nature != "HTML" && e.Err == nil {
		return ""
	}
	if e.Found.Nature == "HTML" {
		if login.Match(e.Answer.Body) {
			return "this is a login page: send your cookie with -H 'Cookie: …'"
		}
		if e.Err != nil {
			return "this is an HTML page: use the URL of the data that the page loads"
		}
		return ""
	}
	if e.Config.Stream { // its format is how it is cut
		return ""
	}
	switch e.Found.Nature {
	case "XML":
		return "XML is read with format xml, and RSS and Atom with format feed"
	case "JSON with something after it":
		return "if each line is an object of its own, format lines reads them"
	case "text":
		return "text is read as it is with format text, line by line with format lines, and as a table with format csv"
	}
	return ""
}

// noItems explains an answer in which no list was found.
func noItems(e Evidence) string {
	if e.Document || e.Found.Items > 0 || !e.Found.JSON || e.Config.Items.IsZero() {
		return ""
	}
	path := e.Config.Items.String()
	if found := e.Config.Items.Get(e.Found.Body); found.Exists() && found.Type != gjson.Null {
		return "" // an empty list
	}
	places := shape.Places(e.Found.Body)
	missing := fmt.Sprintf("no `%s` in the answer", path)
	lists := shape.Lists(places)
	if p, ok := shape.Nearest(path, lists); ok {
		return didYouMean(missing, p)
	}
	if text := complaint(e.Found.Body); text != "" {
		return text
	}
	if len(lists) > 0 {
		return didYouMean(missing, lists[0])
	}
	if p, ok := shape.Nearest(path, places); ok && p.Value.IsObject() {
		return didYouMean(missing, shape.Place{Path: p.Path, Value: p.Value})
	}
	if gjson.ParseBytes(e.Found.Body).IsObject() {
		return missing + ": it is a document without a list. Remove items to get the whole document whenever it changes"
	}
	return missing
}

// oneItem explains an object that was taken for a list of one.
func oneItem(e Evidence) string {
	if e.Document || e.Found.Items != 1 || e.Found.IDs == 1 || !e.Found.JSON || e.Config.Items.IsZero() {
		return ""
	}
	path := e.Config.Items.String()
	found := e.Config.Items.Get(e.Found.Body)
	if !found.IsObject() {
		return ""
	}
	members := found.Map()
	for _, m := range members {
		if !m.IsObject() {
			members = nil
			break
		}
	}
	if len(members) > 1 {
		return fmt.Sprintf("`%s` is not a list but an object of %d objects; to make an item of each, write items %s.@values", path, len(members), path)
	}
	lists := shape.Lists(shape.Places([]byte(found.Raw)))
	if len(lists) == 0 {
		return ""
	}
	if path != "@this" {
		lists[0].Path = path + "." + lists[0].Path
	}
	return didYouMean(fmt.Sprintf("`%s` is not a list but an object, which is one item", path), lists[0])
}

// errorDocument explains an error that came with a good status.
func errorDocument(e Evidence) string {
	if !e.Document || !e.Found.JSON || !something(gjson.GetBytes(e.Found.Body, "error")) {
		return ""
	}
	return "the answer looks like an error, but becomes an event: add ignore error to skip it"
}

func something(r gjson.Result) bool {
	return r.Exists() && r.Type != gjson.Null && r.Type != gjson.False && r.Raw != `""`
}

// notFound explains paths that found nothing in items that are there, or in a document.
func notFound(e Evidence) string {
	scope, in := e.Found.Item, "the items"
	if e.Document {
		scope, in = e.Found.Body, "the answer"
	}
	if value.ValidJSON(scope) {
		places := shape.Scalars(shape.Places(scope))
		if e.Found.Items > 0 && e.Found.IDs == 0 && isPath(e.Config.ID) {
			return missing(e.Config.ID.String(), in, places, true)
		}
		if e.Found.Data == 0 && isPath(e.Config.Data) {
			return missing(e.Config.Data.String(), in, shape.Places(scope), false)
		}
		if len(e.Found.Types) == 0 && e.Config.EventDefault == "" && isPath(e.Config.Event) && (e.Document || e.Found.Items > 0) {
			return missing(e.Config.Event.String(), in, places, false)
		}
	}
	if !e.Found.JSON {
		return ""
	}
	for _, c := range e.Config.Cursors {
		if e.Found.Cursor[c.Name] == "" && isPath(c.Values[0]) {
			return missing(c.Values[0].String(), "the answer", shape.Scalars(shape.Places(e.Found.Body)), false)
		}
	}
	return ""
}

func isPath(v value.Value) bool { return v.NeedsJSON() && !strings.Contains(v.String(), "{sse.") }

// missing says which path finds nothing, and the one that was meant; for an id, else what looks like one.
func missing(path, in string, places []shape.Place, id bool) string {
	text := fmt.Sprintf("no `%s` in %s", path, in)
	if p, ok := shape.Nearest(path, places); ok {
		return didYouMean(text, p)
	}
	if id {
		if p, ok := shape.IDLike(places); ok {
			return didYouMean(text, p)
		}
	}
	var paths []string
	for _, p := range places[:min(len(places), 12)] {
		paths = append(paths, p.Path)
	}
	if len(paths) == 0 {
		return text
	}
	return text + ": there are " + strings.Join(paths, ", ")
}

func didYouMean(text string, p shape.Place) string {
	return fmt.Sprintf("%s; did you mean `%s` (%s)?", text, p.Path, p.Describe())
}

// complaint quotes an error that stands in a body.
func complaint(body []byte) string {
	for _, path := range []string{"error.message", "error_description", "error", "errors.0.message", "message", "errmsg", "detail", "reason"} {
		if r := gjson.GetBytes(body, path); something(r) && !r.IsObject() {
			return fmt.Sprintf("the answer is an error, in its `%s`: %s", path, clip(oneLine(r.String())))
		}
	}
	return ""
}

// repeated explains ids that name no item.
func repeated(e Evidence) string {
	if e.Found.Times == 0 {
		return ""
	}
	text := fmt.Sprintf("%d items of this answer have the id %s: is there another path that is unique? ", e.Found.Times, clip(e.Found.Repeated))
	if e.Config.Order == page.ByID {
		return text + "With order by_id, a later item with an id that was already sent is taken for that one"
	}
	return text + "Such items are distinguished by their place and their content"
}

// stuck explains a poll that asks again for what it had.
func stuck(e Evidence) string {
	if !e.Page.Stuck {
		return ""
	}
	return "the answer has only items from before: the backend ignores the cursor. Is the parameter of query the one that the backend knows? " +
		"If the backend always answers with its newest items, add order newest_first, by_id or overlap"
}

// listUnread says that a document holds a list which could be events.
func listUnread(e Evidence) string {
	if !e.Document || !e.Found.JSON || !e.Config.Data.IsZero() || e.Err != nil {
		return ""
	}
	for _, list := range shape.Lists(shape.Places(e.Found.Body)) {
		items := list.Value.Array()
		if len(items) == 0 || !items[0].IsObject() {
			continue
		}
		text := fmt.Sprintf("the whole answer is one event; to make an event of each item, add items %s", list.Path)
		if p, ok := shape.IDLike(shape.Scalars(shape.Places([]byte(items[0].Raw)))); ok {
			return text + " and id " + p.Path
		}
		return text
	}
	return ""
}
