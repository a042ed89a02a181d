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

	"github.com/sse-bridge/caddy-sse-bridge/internal/decode"
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
	Unsent   string // the id of an item that [Unsent] has found; empty: none
	Err      error  // of the poll
	Empty    string // which placeholders of the block are empty that should not be, and what to do
}

// Advice is the likely reason why nothing, or not what was meant, has come of a poll, and what would be right. It is
// zero where all is well.
type Advice struct {
	ID   string // a fixed word
	Text string
	// Grave is set if no event can come of such answers, or none that was meant.
	Grave bool
	// Idea is set if nothing is wrong: there may be something better.
	Idea bool
}

// Hint returns the text of the [Advice] on a poll.
func Hint(e Evidence) string { return Advise(e).Text }

// Advise says what is to be said of a poll.
func Advise(e Evidence) Advice {
	if e.Answer == nil {
		return Advice{ID: "unanswered", Text: unanswered(e), Grave: true}.orNone()
	}
	if text := refused(e); text != "" {
		return Advice{ID: "refused", Text: text, Grave: e.Err != nil}
	}
	if e.Page.Reset || e.Answer.Status == http.StatusNotModified || len(bytes.TrimSpace(e.Found.Body)) == 0 {
		return Advice{}
	}
	if e.Found.Passed && e.Err == nil {
		return Advice{}
	}
	for _, hint := range []struct {
		ask    func(Evidence) string
		advice Advice
	}{
		{notJSON, Advice{ID: "not_data", Grave: true}},
		{htmlPage, Advice{ID: "html_page"}},
		{noItems, Advice{ID: noItemsID, Grave: itemsElsewhere(e)}},
		{oneItem, Advice{ID: "one_item"}},
		{notFound, Advice{ID: "not_found"}},
		{unsent, Advice{ID: "unsent_items"}},
		{repeated, Advice{ID: "repeated_ids"}},
		{stuck, Advice{ID: "stuck"}},
		{errorDocument, Advice{ID: "error_document"}},
		{listUnread, Advice{ID: "list_unread", Idea: true}},
	} {
		if hint.advice.Text = hint.ask(e); hint.advice.Text != "" {
			return hint.advice
		}
	}
	return Advice{}
}

// orNone returns no advice if there is no text.
func (a Advice) orNone() Advice {
	if a.Text == "" {
		return Advice{}
	}
	return a
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
		return "the host name is unknown: is it spelled correctly?" + perhapsPath(err)
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

// wordLookedUp finds a host name of one word in the error of looking it up.
var wordLookedUp = regexp.MustCompile(`lookup ([\w-]+)[: ]`)

// perhapsPath asks whether a name without dots is the block's path, which Caddy takes for an upstream where its slash is missing.
func perhapsPath(err error) string {
	found := wordLookedUp.FindStringSubmatch(err.Error())
	if found == nil {
		return ""
	}
	return " If it is a path, it begins with a slash: /" + found[1]
}

// refused explains a status that is no answer.
func refused(e Evidence) string {
	switch s := e.Answer.Status; {
	case s == http.StatusTooManyRequests, limited(e.Err, s):
		return "the backend is asked too often: raise interval"
	case e.Empty != "" && e.Err != nil && s >= 300 && s < 500 && s != http.StatusNotModified: // it may ask for what was left out
		return e.Empty
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
			text += " (" + allow + ")"
		}
		return text + ": add a line such as `method POST`, and the `body` that the page sends, or --method and --body on the command line"
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
	if e.Found.Nature == "HTML" && login.Match(e.Answer.Body) {
		return "this is a login page: send your cookie with -H 'Cookie: …'"
	}
	if e.Answer.Status >= http.StatusBadRequest { // what comes with an error need not be in the format
		return ""
	}
	if e.Found.Nature == "HTML" {
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

// htmlPage explains a page for people that is taken for a document.
func htmlPage(e Evidence) string {
	if !e.Document || e.Err != nil || !e.Config.Data.IsZero() || !decode.IsHTML(e.Found.Body) {
		return ""
	}
	return "the answer is HTML: a login page? For data, use the URL that the page loads it from"
}

// noItemsID is the id of the advice of noItems.
const noItemsID = "no_items"

// itemsElsewhere reports whether an answer without items shows that the path is wrong: it has a list, or is an error.
// Some upstreams omit the list while there is no news.
func itemsElsewhere(e Evidence) bool {
	return len(shape.Lists(shape.Places(e.Found.Body))) > 0 || complaint(e.Found.Body) != ""
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
