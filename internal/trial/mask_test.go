package trial

import (
	"net/http"
	"reflect"
	"testing"
)

func TestSecretsOfRequestsAreMasked(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		got, want Request
	}{
		{
			"query divided by semicolons",
			Request{URL: "https://a/b?p=a;token=t;b=1&sid=c;d"},
			Request{URL: "https://a/b?p=a;token=***;b=1&sid=***"},
		},
		{
			"query",
			Request{URL: "https://a/b?lastId=7&token=abc&api_key=d&q=key&monkey=1&key=e#f"},
			Request{URL: "https://a/b?lastId=7&token=***&api_key=***&q=key&monkey=1&key=***#f"},
		},
		{
			"names of keys",
			Request{URL: "https://a/b?subscription-key=a&sort=key", Header: http.Header{"Ocp-Apim-Subscription-Key": {"b"}, "X-Keyboard": {"c"}}},
			Request{URL: "https://a/b?subscription-key=***&sort=key", Header: http.Header{"Ocp-Apim-Subscription-Key": {"***"}, "X-Keyboard": {"c"}}},
		},
		{"password of a URL", Request{URL: "http://ann:secret@a/b"}, Request{URL: "http://ann:***@a/b"}},
		{"form", Request{Body: "user=ann&password=x&sid="}, Request{Body: "user=ann&password=***&sid="}},
		{
			"JSON",
			Request{Body: `{"since": 7, "auth": "a\"b", "pass":12, "of": ["token"]}`},
			Request{Body: `{"since": 7, "auth": "***", "pass":"***", "of": ["token"]}`},
		},
		{"a key of a store in JSON", Request{Body: `{"create_request":{"key":"Zm9v"}}`}, Request{Body: `{"create_request":{"key":"Zm9v"}}`}},
		{
			"header",
			Request{Header: http.Header{
				"Authorization": {"Bearer abc"}, "Cookie": {"a=b; theme=dark"}, "X-Api-Key": {"k"}, "X-Auth": {"l"}, "Accept-Language": {"de"},
			}},
			Request{Header: http.Header{
				"Authorization": {"Bearer ***"}, "Cookie": {"a=***; theme=***"}, "X-Api-Key": {"***"}, "X-Auth": {"***"}, "Accept-Language": {"de"},
			}},
		},
		{
			"what is empty",
			Request{Body: `{"token":"","pass":"x"}`, Header: http.Header{"Authorization": {"Bearer "}, "Cookie": {"a=; b=c"}, "X-Api-Key": {""}}},
			Request{Body: `{"token":"","pass":"***"}`, Header: http.Header{"Authorization": {"Bearer "}, "Cookie": {"a=; b=***"}, "X-Api-Key": {""}}},
		},
		{"a lone credential", Request{Header: http.Header{"Authorization": {"abc"}}}, Request{Header: http.Header{"Authorization": {"***"}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := c.got.Mask(nil); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestMaskLeavesTheRequestAlone(t *testing.T) {
	t.Parallel()
	r := Request{Header: http.Header{"Cookie": {"a=b"}}}
	r.Mask(nil)
	if r.Header.Get("Cookie") != "a=b" {
		t.Errorf("the header is %q now", r.Header)
	}
}
