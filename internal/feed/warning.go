package feed

import (
	"net/http"
	"strconv"

	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

// Warning is something that the operator of a feed should know, and what to do about it. Its texts are fixed: none
// of them is a client's or an upstream's.
type Warning struct {
	ID     string // a fixed word
	Text   string // a sentence without its full stop
	Remedy string
}

// said returns the warning as a line of the log.
func (w Warning) said() string { return w.Text + ": " + w.Remedy }

// Warnings are a set of warnings.
type Warnings uint32

// The warnings of a feed, in the order in which [Warnings.All] returns them.
const (
	warnUnreachable Warnings = 1 << iota
	warnLate
	warnAsHTML
	warnUnended
	warnBrokenOff
	warnTooLarge
	warnUnreadable
	warnReported
	warnOverAtOnce
	warnRefusing
	warnPostponing
	warnFailing
	warnNothingFound
	warnNoData
	warnNoID
	warnUnanswered
	warnStuck
	warnTakenBack
	warnRepeatedIDs
	warnLongPositions
	warnLongWait
	warnBrief
)

// warnings are the texts of the constants, in their order.
var warnings = [...]Warning{
	{"unreachable", "the upstream does not answer", "is it running, and is its address correct? The log has the error"},
	{"late", "the upstream does not answer in time", "does it hold requests until there is news? Then use `long_poll`. If it is slow, raise `timeout`"},
	{"html", "the upstream answers with HTML where data is expected", "is it a login page? Then the polls lack a cookie or a header field. Otherwise, use the URL of the data"},
	{"unended", "the answer of the upstream begins, and does not end in time", "does it go on? Then `stream` reads it. If it is slow, raise `timeout`"},
	{"broken_off", "the upstream begins an answer, and breaks it off", "is it restarted, or does a proxy or a time limit end its answers? The log has the error"},
	{"too_large", "the answer of the upstream is too large", "ask for less, or raise `limits response`"},
	{"unreadable", "the answer of the upstream cannot be read", "compare it with the block: `caddy sse-bridge try` shows both. The log has the error"},
	{"reported", "the upstream reports an error: a `fail` condition holds", "`caddy sse-bridge try` shows its answer"},
	{"over_at_once", "the upstream ends its answer at once, again and again", "does it go on? If not, `interval` instead of `stream` polls it"},
	{"refuses", "the upstream refuses the poll, and has answered it before", "has a login ended, or the path moved?"},
	{"later", "the upstream says that it is asked too often, or too early", "is `interval` too short?"},
	{"status", "the upstream answers with an error", "its own log has the cause"},
	{"nothing_found", "`items` has found nothing in any answer so far", "is the path correct? Some upstreams omit the list while there is no news"},
	{"no_data", "`data` has found nothing in any answer so far", "is the path correct? What is not there is null, or no news if the poll sends a cursor"},
	{"no_id", "`id` has found nothing in any item", "is the path correct? Without ids, a client cannot go on where it was"},
	{"unanswered", "no poll has been answered so far: the upstream holds each to its end", "was there no news? If the upstream is slow, raise `long_poll`"},
	{"stuck", "the answer has only items that were already sent, and the cursor does not move", "does the poll send the cursor?"},
	{"resets", "the upstream rejects each position that it has just given", "does a `reset` condition or `epoch` match good answers?"},
	{"repeated_ids", "several items of one answer have the same id", "is the path of `id` correct? Such items are distinguished by their place and their content"},
	{"long_positions", "the upstream's positions are too long for event ids, so ids are hashes of them", "only this process can resume from such an id; elsewhere clients get bridge.reset"},
	{"long_wait", "the upstream asks for a longer pause than the bridge allows", "is the value in seconds?"},
	{"brief_answers", "the upstream ends its answer at once", "does it go on? If not, `interval` instead of `stream` polls it"},
}

// All returns the warnings of a set.
func (w Warnings) All() (all []Warning) {
	for i := range warnings {
		if w&(1<<i) != 0 {
			all = append(all, warnings[i])
		}
	}
	return all
}

// warned is which warnings about answers hold, and which have been logged: each is once.
type warned struct{ hold, logged Warnings }

// note notes whether a warning holds. It is logged the first time.
func (k *warned) note(w Warnings, holds bool, logger *zap.Logger, fields ...zap.Field) {
	if !holds {
		k.hold &^= w
		return
	}
	k.hold |= w
	if k.logged&w == 0 {
		k.logged |= w
		logger.Warn(w.All()[0].said(), fields...)
	}
}

// warningOf returns the warning that an upstream is down because of an error; nil: no answer came.
func warningOf(failed *page.Error) Warnings {
	switch {
	case failed == nil:
		return warnUnreachable
	case failed.Later:
		return warnPostponing
	}
	switch failed.Cause {
	case page.HTML:
		return warnAsHTML
	case page.Unended:
		return warnUnended
	case page.BrokenOff:
		return warnBrokenOff
	case page.TooLarge:
		return warnTooLarge
	}
	switch failed.Comment {
	case page.Unreachable:
		return warnUnreachable
	case page.Late:
		return warnLate
	case page.Unreadable:
		return warnUnreadable
	case page.Reported:
		return warnReported
	case page.Ended:
		return warnOverAtOnce
	case page.Refuses: // another node has said so
		return warnRefusing
	}
	return warnFailing
}

// RefusalOf returns the warning that an upstream refuses its first poll with a status.
func RefusalOf(status int) Warning {
	w := Warning{ID: "status_" + strconv.Itoa(status), Text: "the upstream refuses the poll", Remedy: "`caddy sse-bridge try` shows its answer"}
	switch {
	case status == http.StatusUnauthorized:
		w.Text, w.Remedy = "the upstream requires a login", "do clients send one? If so, does `cookies` or `header_up` keep it out of the polls?"
	case status == http.StatusForbidden:
		w.Text, w.Remedy = "the upstream refuses this user", "do the polls lack a cookie or a header field that a browser sends?"
	case status == http.StatusNotFound:
		w.Text, w.Remedy = "the upstream has nothing at this path", "is the path correct? If it answers 404 while there is no news, use `accept 404`"
	case status == http.StatusMethodNotAllowed:
		w.Text, w.Remedy = "the upstream requires another method", "set it with `method`"
	case status/100 == 3:
		w.Text, w.Remedy = "the upstream redirects to another origin", "is it a login? Otherwise, use that URL. If it is `https` of the same URL, name the proxy in front in `trusted_proxies`"
	}
	return w
}
