package page

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ahead is how far the second of an ETag may be ahead of Date, as that of a shared disk is. A number that is further ahead is no time.
const ahead = time.Minute

// validators returns what makes the next poll conditional.
//
// What names a second counts only from the next second on: within its own, the document, or the list, may change again and keep it
// (RFC 9110, section 8.8.2.2). A Last-Modified does, and an ETag may be made of the same second, as those of web servers are, or be its
// number. Where the upstream holds polls, an ETag is the position that it holds them at.
func (rd *reading) validators() Validators {
	v := Validators{ETag: rd.header.Get("ETag"), LastModified: rd.header.Get("Last-Modified")}
	if v == (Validators{}) {
		return v
	}
	date, noDate := http.ParseTime(rd.header.Get("Date"))
	modified, noTime := http.ParseTime(v.LastModified)
	read := date.Add(-rd.took) // at the earliest
	switch {
	case v.ETag == "" && (noDate != nil || noTime != nil || read.Sub(modified) < time.Second):
		return Validators{}
	case v.ETag == "" || noDate != nil || rd.reader.config.Held:
		return v
	case noTime == nil && read.Sub(modified) < time.Second:
		return Validators{}
	}
	if at, ok := secondOf(v.ETag); ok && read.Sub(at) < time.Second && at.Sub(read) < ahead {
		return Validators{}
	}
	return v
}

// secondOf returns the time that an ETag is the number of, in seconds since 1970.
func secondOf(etag string) (at time.Time, ok bool) {
	n, err := strconv.ParseInt(strings.Trim(strings.TrimPrefix(etag, "W/"), `"`), 10, 64)
	return time.Unix(n, 0), err == nil
}
