package upstream

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"sync"
)

// NewJar returns the cookie jar of a chain. It costs little until an upstream sets a cookie, as few do.
func NewJar() http.CookieJar { return new(lateJar) }

// lateJar is a cookie jar that is made for its first cookie.
type lateJar struct {
	mu  sync.Mutex
	jar *cookiejar.Jar
}

// SetCookies implements http.CookieJar.
func (j *lateJar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	if len(cookies) == 0 {
		return
	}
	j.mu.Lock()
	if j.jar == nil {
		j.jar, _ = cookiejar.New(nil) // without options it has no error
	}
	jar := j.jar
	j.mu.Unlock()
	jar.SetCookies(u, cookies)
}

// Cookies implements http.CookieJar.
func (j *lateJar) Cookies(u *url.URL) []*http.Cookie {
	j.mu.Lock()
	jar := j.jar
	j.mu.Unlock()
	if jar == nil {
		return nil
	}
	return jar.Cookies(u)
}

// Interface guards
var _ http.CookieJar = (*lateJar)(nil)
