package jq

import (
	"errors"
	"fmt"
	"strings"

	"github.com/itchyny/gojq"
)

// Error is what is wrong with a program, or with what it makes of an answer.
type Error struct {
	told   string // without a word of the answer
	detail string
}

// Error implements error. It has no word of the answer, which may be private: logs have it. What a program gives to `error` as
// text is in it.
func (e *Error) Error() string { return e.told }

// Detail says the same, with the value that it is about.
func (e *Error) Detail() string { return e.detail }

// overBound returns the error of a value that a program may not make.
func overBound(format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	return &Error{text, text}
}

// failure returns the error of a program that ended with one. gojq's errors have values in quotes, in brackets or as
// numbers, so what stands before all of these is the program's.
func failure(err error) error {
	told, detail := err.Error(), err.Error()
	if i := strings.IndexAny(told, "([{\"'0123456789"); i >= 0 {
		told = strings.TrimRight(told[:i], ": -") + " …"
	}
	switch e := err.(type) { //nolint:errorlint // gojq wraps none
	case *Error:
		told, detail = e.told, e.detail
	case gojq.ValueError: // by `error` or `halt_error`
		if text, ok := e.Value().(string); ok {
			told = "the program says: " + text // which its author wants to be told
		} else {
			told = "the program ends with an error that is no text"
		}
	}
	return &Error{"jq: " + told, "jq: " + detail}
}

// ofOutput returns an error with the number of the output that it is about.
func ofOutput(n int, err error) error {
	detail := err.Error()
	if e, ok := errors.AsType[*Error](err); ok {
		detail = e.detail
	}
	return &Error{fmt.Sprintf("jq: output %d %v", n, err), fmt.Sprintf("jq: output %d %s", n, detail)}
}
