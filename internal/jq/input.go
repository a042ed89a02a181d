package jq

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"unsafe"

	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// Input is what a program sees: {status, headers, body}. Names of headers are in lower
// case, each with its first value.
type Input struct {
	Status int
	Header http.Header
	Body   []byte
	JSON   bool // whether Body is valid JSON; if not, body is a string
	Limit  int  // the most bytes that all outputs may have; 0 for 8 MiB
	Memory int  // the most bytes that the decoded body may take, and a third of it one value that is made; 0 for 24 MiB
}

// limits are those that the input has, or their defaults.
func (in Input) limits() (outputs, memory int) {
	return cmp.Or(in.Limit, maxBytes), cmp.Or(in.Memory, 3*maxBytes)
}

func (in Input) decode(memory int) (any, error) {
	headers := make(map[string]any, len(in.Header))
	for name, values := range in.Header {
		if len(values) > 0 {
			headers[strings.ToLower(name)] = values[0]
		}
	}
	var body any = unsafe.String(unsafe.SliceData(in.Body), len(in.Body)) // nobody changes an answer
	if in.JSON {
		if cost, _ := value.TreeCost(in.Body); cost > memory {
			return nil, fmt.Errorf("jq: the answer would take %d bytes as jq's values, more than the %d that there are: ask the upstream for less, or use items and paths", cost, memory)
		}
		decoded, err := value.Decode(in.Body)
		if err != nil {
			return nil, fmt.Errorf("jq: reading the body: %w", err)
		}
		body = decoded
	}
	return map[string]any{"status": in.Status, "headers": headers, "body": body}, nil
}
