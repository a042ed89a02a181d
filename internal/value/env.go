// Package value looks up values in an upstream's answers: gjson paths, templates with placeholders, and
// literals. Everything is parsed once, when a configuration is loaded. Parsed values are immutable, and
// may be used by many goroutines.
package value

import "net/http"

// Env is what placeholders can see, at one poll or one item of its answer. What is missing
// reads as empty.
type Env struct {
	Status int         // of the answer; 0 before there is one
	Header http.Header // of the answer
	Body   []byte      // of the answer; JSON where a placeholder has a path into it
	Item   []byte      // of the answer; JSON where a placeholder has a path into it

	Cursor map[string]string // by name; "" is the unnamed one
	ID     string            // the chain's UUID
	Seq    int               // polls so far
	Count  int               // requests of the session so far
}
