package value

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/itchyny/gojq"
)

// Limits of one run of a jq program. Time alone bounds neither memory nor the stack: within
// a second an array grows by hundreds of megabytes, and what is nested a million deep
// overflows the stack in gojq's own recursive functions, which ends the process.
const (
	maxJQTime    = time.Second
	maxJQSteps   = 5_000_000 // instructions of gojq's machine
	maxJQOutputs = 10_000
	maxJQBytes   = 8 << 20 // of outputs, where the caller says nothing
)

// jqGrace is how long a stopped program has to end the function it is in.
const jqGrace = 100 * time.Millisecond

var (
	errJQTime  = fmt.Errorf("jq: stopped after %v: a program has no longer for one answer", maxJQTime)
	errJQSteps = fmt.Errorf("jq: stopped after %d steps: a program has no more for one answer", maxJQSteps)
	errJQStuck = errors.New("jq: an earlier run of this program is still in a function that cannot be stopped")
)

// JQ is a compiled jq program (https://github.com/itchyny/gojq), for many goroutines at
// once. It sees nothing but its input: $ENV is empty, input, debug and modules are errors
// when it is parsed.
//
// Numbers that it hands on stay as they were written: 1.10, 1E2, 9007199254740993. Those
// that it writes or computes are exact as integers, and IEEE doubles without trailing zeros
// (1.1) otherwise; NaN becomes null, infinity the greatest double.
//
// One value that an operator or function makes may have a third of JQInput.Memory; gojq's own limits
// hold between its functions, not within one. What remains: all values together are bounded by the steps
// alone (some 40 MB of numbers), matches of a regular expression with "g" take some hundred bytes each, and these and the
// difference of arrays take quadratic time. A function that goes on too long is left behind, and the
// program is not run again until it has ended.
type JQ struct {
	src   string
	code  *gojq.Code
	stuck *atomic.Int32 // runs that were left behind
}

// JQInput is what a program sees: {status, headers, body}. Names of headers are in lower
// case, each with its first value.
type JQInput struct {
	Status int
	Header http.Header
	Body   []byte
	JSON   bool // whether Body is valid JSON; if not, body is a string
	Limit  int  // the most bytes that all outputs may have; 0 for 8 MiB
	Memory int  // the most bytes that the decoded body may take, and a third of it one value that is made; 0 for 24 MiB
}

// ParseJQ compiles a program. Its errors name the line and column in src, as far as gojq
// tells what is wrong. Regular expressions and @formats are only checked when they run.
func ParseJQ(src string) (JQ, error) {
	query, err := gojq.Parse(src)
	if err != nil {
		at := -1
		if parse, ok := errors.AsType[*gojq.ParseError](err); ok {
			at = max(0, parse.Offset-len(parse.Token))
		}
		return JQ{}, jqError(src, at, err)
	}
	boundJQ(query)
	code, err := gojq.Compile(query, jqOptions()...)
	if err != nil {
		return JQ{}, jqError(src, jqNamed(src, err.Error()), err)
	}
	return JQ{src: src, code: code, stuck: new(atomic.Int32)}, nil
}

// IsZero reports whether j is the zero JQ.
func (j JQ) IsZero() bool { return j.code == nil }

// String returns the program as it was written.
func (j JQ) String() string { return j.src }

// Run runs the program over one answer and returns what it yields, in order. It ends with an
// error that names the limit after 1 s, 5,000,000 steps, 10,000 outputs or input.Limit
// bytes of outputs, and with ctx; outputs before an error are lost.
func (j JQ) Run(ctx context.Context, input JQInput) ([]JQOutput, error) {
	if j.stuck.Load() > 0 {
		return nil, errJQStuck
	}
	in, err := input.decode()
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	timed, cancel := context.WithTimeoutCause(ctx, maxJQTime, errJQTime)
	defer cancel()

	type result struct {
		outputs []JQOutput
		err     error
	}
	done := make(chan result, 1)
	go func() {
		outputs, err := j.collect(&jqSteps{timed, maxJQSteps, stop}, in, input.limit(), input.memory()/3)
		done <- result{outputs, err}
	}()
	select {
	case r := <-done:
		return r.outputs, r.err
	case <-timed.Done():
	}
	grace := time.NewTimer(jqGrace)
	defer grace.Stop()
	select {
	case r := <-done:
		return r.outputs, r.err
	case <-grace.C:
	}
	j.stuck.Add(1)
	go func() {
		<-done
		j.stuck.Add(-1)
	}()
	return nil, context.Cause(timed)
}

// collect runs the program to its end. A panic would end the process from here.
func (j JQ) collect(ctx context.Context, in any, limit, most int) (outputs []JQOutput, err error) {
	defer func() {
		if r := recover(); r != nil {
			outputs, err = nil, fmt.Errorf("jq: the program failed: %v", r)
		}
	}()
	out := jqOutputs{left: limit, limit: limit}
	for iter := j.code.RunWithContext(ctx, in, most); ; {
		v, ok := iter.Next()
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if !ok {
			return out.list, nil
		}
		if failed, bad := v.(error); bad {
			var halt *gojq.HaltError
			if errors.As(failed, &halt) && halt.Value() == nil {
				return out.list, nil
			}
			return nil, fmt.Errorf("jq: %w", failed)
		}
		if err := out.add(v); err != nil {
			return nil, fmt.Errorf("jq: output %d %w", out.count, err)
		}
	}
}

func (in JQInput) limit() int {
	if in.Limit > 0 {
		return in.Limit
	}
	return maxJQBytes
}

func (in JQInput) memory() int {
	if in.Memory > 0 {
		return in.Memory
	}
	return 3 * maxJQBytes
}

func (in JQInput) decode() (any, error) {
	if cost := TreeCost(in.Body); in.JSON && cost > in.memory() {
		return nil, fmt.Errorf("jq: the answer would take %d bytes as jq's values, more than the %d that there are: ask the upstream for less, or use items and paths", cost, in.memory())
	}
	headers := make(map[string]any, len(in.Header))
	for name, values := range in.Header {
		if len(values) > 0 {
			headers[strings.ToLower(name)] = values[0]
		}
	}
	var body any = unsafe.String(unsafe.SliceData(in.Body), len(in.Body)) // nobody changes an answer
	if in.JSON {
		body = nil
		if err := decodeNumbers(in.Body, &body); err != nil {
			return nil, fmt.Errorf("jq: reading the body: %w", err)
		}
	}
	return map[string]any{"status": in.Status, "headers": headers, "body": body}, nil
}

// jqSteps counts the instructions of one run: gojq asks for Done before each.
type jqSteps struct {
	context.Context
	left int
	stop context.CancelCauseFunc
}

// Done counts down, and stops the run at its last step.
func (s *jqSteps) Done() <-chan struct{} {
	if s.left--; s.left < 0 {
		s.stop(errJQSteps)
	}
	return s.Context.Done()
}

// jqError says where in src a program is wrong; at is -1 where nobody knows.
func jqError(src string, at int, err error) error {
	if at < 0 || at > len(src) {
		return fmt.Errorf("jq program: %w", err)
	}
	before := src[:at]
	line := strings.Count(before, "\n") + 1
	column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	return fmt.Errorf("jq program, line %d, column %d: %w", line, column, err)
}

var jqName = regexp.MustCompile(`: "?(\$?[\w:]+)(?:/[0-9]+|")?$`)

// jqNamed returns where src first has the name that gojq's compiler complains about without
// saying where, or -1.
func jqNamed(src, message string) int {
	name := "inputs?"
	if m := jqName.FindStringSubmatch(message); m != nil {
		name = regexp.QuoteMeta(m[1])
	} else if !strings.HasPrefix(message, "input") {
		return -1
	}
	m := regexp.MustCompile(`(?:^|[^$\w])(` + name + `)(?:$|\W)`).FindStringSubmatchIndex(src)
	if m == nil {
		return -1
	}
	return m[2]
}
