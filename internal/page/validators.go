package page

import (
	"net/http"
	"time"
)

// validators returns what makes the next poll conditional.
//
// A Last-Modified without an ETag counts only if it is at least a second older than Date:
// within its own second the document may change again without a new one (RFC 9110, section
// 8.8.2.2).
func validators(h http.Header) Validators {
	v := Validators{ETag: h.Get("ETag"), LastModified: h.Get("Last-Modified")}
	if v.ETag == "" && !settled(v.LastModified, h.Get("Date")) {
		v.LastModified = ""
	}
	return v
}

func settled(modified, date string) bool {
	m, err := http.ParseTime(modified)
	if err != nil {
		return false
	}
	d, err := http.ParseTime(date)
	return err == nil && d.Sub(m) >= time.Second
}
