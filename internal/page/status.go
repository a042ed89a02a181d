package page

import (
	"errors"
	"fmt"
	"net/http"
)

// verdict is what a status makes of an answer that is neither an error nor a refusal.
type verdict int

const (
	answered verdict = iota
	quiet            // no news, but the headers may have cursors
	nothing          // no news, and nothing to read
)

// judge says what the status makes of an answer. One that is spent for the time being may ask for more
// time than other answers do.
func (rd *reading) judge() (verdict, error) {
	accepted := rd.reader.Accepts(rd.status)
	switch s := rd.status; {
	case s == http.StatusNotModified:
		return nothing, nil
	case s == http.StatusNoContent || s == http.StatusRequestTimeout:
		if accepted {
			return quiet, nil
		}
		return nothing, nil
	case accepted:
		return answered, nil
	case s/100 == 3 || s/100 == 4 && !rd.later() && s != http.StatusMisdirectedRequest:
		return 0, refusal(rd.status, rd.header)
	}
	return 0, &Error{
		Comment: fmt.Sprintf("status %d", rd.status),
		Later:   rd.status/100 == 4 && rd.status != http.StatusMisdirectedRequest,
		Err:     errors.New("only 2xx and the statuses in accept are answers"),
	}
}

// later reports whether an answer with a 4xx says that the same request may do better later, of which
// it then may say when: by its status, by asking to wait (RFC 9110, section 10.2.3), or because a rate
// limit is spent.
func (rd *reading) later() bool {
	wait, limited := spent(rd.header)
	rd.asked = max(rd.asked, wait)
	_, told := retryAfter(rd.header)
	switch rd.status {
	case http.StatusConflict, http.StatusLocked, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return limited || told || rd.retryAfter() > 0
}
