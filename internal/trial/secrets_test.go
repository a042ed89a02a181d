package trial

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
)

func TestWhatIsSecretIsMaskedWhereverItStands(t *testing.T) {
	t.Parallel()
	s := NewSecrets("", "hunter2", `a "b" & c/d`, "42", "hunter2 and more")
	for _, c := range []struct{ got, want Request }{
		{Request{URL: "http://hunter2:80/p/hunter2?room=hunter2&q=xhunter2x&n=42&m=142"}, Request{URL: "http://hunter2:80/p/***?room=***&q=x***x&n=***&m=142"}},
		{Request{URL: "http://a/b?q=a+%22b%22+%26+c%2Fd"}, Request{URL: "http://a/b?q=***"}},
		{Request{URL: "/only/a/path?x=hunter2"}, Request{URL: "/only/a/path?x=***"}},
		{Request{URL: "http://a/a%20%22b%22%20&%20c%2Fd"}, Request{URL: "http://a/***"}},
		{Request{Body: `{"x":"a \"b\" & c/d","y":42}`}, Request{Body: `{"x":"***","y":42}`}},
		{Request{Header: http.Header{"X-Thing": {"pre hunter2 and more", "42", "142"}}}, Request{Header: http.Header{"X-Thing": {"pre ***", "***", "142"}}}},
	} {
		if got := c.got.Mask(s); !reflect.DeepEqual(got, c.want) {
			t.Errorf("got %+v, want %+v", got, c.want)
		}
	}
}

func FuzzNoSecretIsLeft(f *testing.F) {
	f.Add("hunter2", "x", "pre ")
	f.Add(`a"b\`, "room", "")
	f.Add("%2F+", "a b", "&")
	f.Fuzz(func(t *testing.T, secret, name, before string) {
		if len(secret) < leastSecret || strings.Contains(name+before+masked, secret) || strings.Contains(masked, secret[:1]) || strings.Contains(masked, secret[len(secret)-1:]) {
			return
		}
		r := Request{URL: "http://a/b?c=" + secret, Body: before + secret, Header: http.Header{"X-A": {before + secret}}}.Mask(NewSecrets(secret))
		if text := r.Body + "\n" + r.Header.Get("X-A"); strings.Contains(text, secret) {
			t.Errorf("%q is in %q", secret, text)
		}
	})
}
