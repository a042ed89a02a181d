package jq

import (
	"errors"
	"net/http"
	"strings"
	"testing"
)

// Logs have the text of an error, and answers may be private.
func TestAnErrorHasNoWordOfTheAnswer(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		`error(.body)`:                                "jq: the program ends with an error that is no text",
		`error("no list", .body.n)`:                   "jq: the program says: no list",
		`"no list " + .body.secret[0:0] | halt_error`: "jq: the program says: no list ",
		`.body.secret[]`:                              `jq: cannot iterate over: string …`,
		`.body.secret.x`:                              `jq: expected an object but got: string …`,
		`.body.secret + 1`:                            `jq: cannot add: string …`,
		`.body.secret | keys`:                         `jq: keys cannot be applied to: string …`,
		`.body | tonumber`:                            `jq: tonumber cannot be applied to: object …`,
		`.body.secret | ltrimstr(1)`:                  `jq: ltrimstr …`,
		`.body.secret | fromjson`:                     `jq: fromjson cannot be applied to …`,
		`.body.list | add`:                            `jq: cannot add: string …`,
		`[.body.secret] | implode`:                    `jq: implode cannot be applied to: array …`,
		`.body.n / 0`:                                 `jq: cannot divide number …`,
		`.body`:                                       `jq: output 1 is another object: {id, event, data} or {cursor} is expected, one of them`,
		`.body.secret`:                                `jq: output 1 is of type string: {id, event, data} or {cursor} is expected`,
		`{id: .body, data: 1}`:                        `jq: output 1 has a value of type object for its id: a string or number is expected`,
		`{data: 1, (.body.secret): 1}`:                `jq: output 1 has more beside data: {id, event, data} or {cursor} is expected`,
		`{cursor: {(.body.secret + "-"): 1}}`:         `jq: output 1 has a cursor of another name: a name of letters, digits and _ is expected`,
		`{cursor: {(.body.secret): {}}}`:              `jq: output 1 has a value of type object for its cursor: a string or number is expected`,
		`.body.n as $n | null | .[$n] = 1`:            `jq: an array would take more than the 8388608 bytes that a program may make at once of this answer`,
	} {
		_, err := parse(t, src).Run(t.Context(), Input{Status: 200, JSON: true, Header: http.Header{}, Body: []byte(`{"secret":"s3cr3t","list":["s3cr3t",{}],"n":730370000}`)})
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", src, err, want)
		}
		if detail := detailOf(err); !strings.Contains(err.Error(), "the program says") && !strings.Contains(detail, "s3cr3t") && !strings.Contains(detail, "730370000") {
			t.Errorf("%s: %s does not say of what", src, detail)
		}
	}
}

// detailOf returns what is known of an error.
func detailOf(err error) string {
	if failed, ok := errors.AsType[*Error](err); ok {
		return failed.Detail()
	}
	return err.Error()
}
