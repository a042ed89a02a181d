package page

import (
	"errors"
	"strings"
	"testing"
)

// Whatever an id or a cursor holds, it is handed on as it is or is an error, and its event id is
// printable ASCII of bounded length.
func TestHostileIDsMakeIDsThatClientsCanSendBack(t *testing.T) {
	t.Parallel()
	for name, id := range map[string]string{
		"NUL": `a\u0000b`, "LF": `a\nb`, "CR": `a\rb`, "half a character": "a\xc3", "half a pair": `a\ud83d`, "a megabyte": strings.Repeat("x", 1<<20),
	} {
		for _, config := range []string{"items items; id id; data text", "items items; cursor items.0.id; data text"} {
			p, err := reader(t, config).Read(ok(`{"items":[{"id":"`+id+`","text":"x"}]}`), at(""), nil)
			if err != nil {
				if _, ok := errors.AsType[*Error](err); !ok {
					t.Errorf("%s, %s: %v is no *Error", name, config, err)
				}
				continue
			}
			sent := p.Events[0].At.ID()
			if len(p.Events) != 1 || sent == "" || len(sent) > 2<<10 || strings.ContainsFunc(sent, func(r rune) bool { return r <= ' ' || r > '~' }) {
				t.Errorf("%s, %s: the id is %.40q", name, config, sent)
			}
		}
	}
}
