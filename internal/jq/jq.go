// Package jq runs jq programs on upstreams' answers, in bounded time and memory. It is pure.
package jq

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/itchyny/gojq"
)

// Limits of one run of a jq program. Time alone bounds neither memory nor the stack: within
// a second an array grows by hundreds of megabytes, and what is nested a million deep
// overflows the stack in gojq's own recursive functions, which ends the process.
const (
	maxTime    = time.Second
	maxSteps   = 5_000_000 // instructions of gojq's machine, and bytes that they make
	maxOutputs = 10_000
	maxBytes   = 8 << 20 // of outputs, where the caller says nothing
)

// grace is how long a stopped program has to end the function it is in.
const grace = 100 * time.Millisecond

var (
	errTime  = fmt.Errorf("jq: stopped after %v: this is the limit for one answer", maxTime)
	errSteps = fmt.Errorf("jq: stopped after %d steps: this is the limit for one answer", maxSteps)
	errStuck = errors.New("jq: an earlier run of this program is still in a function that cannot be stopped")
)

// Program is a compiled jq program (https://github.com/itchyny/gojq), for many goroutines at
// once. It sees nothing but its input: $ENV is empty, input, debug and modules are errors
// when it is parsed.
//
// Numbers that it hands on stay as they were written: 1.10, 1E2, 9007199254740993. Those
// that it writes or computes are exact as integers, and IEEE doubles without trailing zeros
// (1.1) otherwise; NaN becomes null, infinity the greatest double.
//
// An answer may be hostile. So one value that an operator or a function makes may have a third of Input.Memory,
// and 256 bytes that one makes count as a step, as an instruction does: all values together have some 1.2 GB at most,
// those that are let go of included. gojq's own limits hold between its functions, not within one. Nor does it
// stop at the matches of a regular expression with "g", which take quadratic time: they are counted before, and so are
// the comparisons of the difference of arrays. What remains: contains, inside and indices may take quadratic time, and
// what gojq's own functions call is not counted. A function that goes on too long is left behind, and the program is not run again until it has ended.
type Program struct {
	src   string
	code  *gojq.Code
	stuck *atomic.Int32 // runs that were left behind
}

// Parse compiles a program. Its errors name the line and column in src, as far as gojq
// tells what is wrong. Regular expressions and @formats are only checked when they run.
func Parse(src string) (Program, error) {
	query, err := gojq.Parse(src)
	if err != nil {
		at := -1
		if parse, ok := errors.AsType[*gojq.ParseError](err); ok {
			at = max(0, parse.Offset-len(parse.Token))
		}
		return Program{}, positioned(src, at, err)
	}
	bound(query)
	code, err := gojq.Compile(query, options()...)
	if err != nil {
		return Program{}, positioned(src, named(src, err.Error()), err)
	}
	return Program{src: src, code: code, stuck: new(atomic.Int32)}, nil
}

// IsZero reports whether p is the zero Program.
func (p Program) IsZero() bool { return p.code == nil }

// String returns the program as it was written.
func (p Program) String() string { return p.src }

// Run runs the program over one answer and returns what it yields, in order. It ends with an
// error that names the limit after 1 s, 5,000,000 steps, 10,000 outputs or input.Limit
// bytes of outputs, and with ctx; outputs before an error are lost.
func (p Program) Run(ctx context.Context, input Input) ([]Output, error) {
	if p.stuck.Load() > 0 {
		return nil, errStuck
	}
	limit, memory := input.limits()
	in, err := input.decode(memory)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	timed, cancel := context.WithTimeoutCause(ctx, maxTime, errTime)
	defer cancel()

	type result struct {
		outputs []Output
		err     error
	}
	done := make(chan result, 1)
	go func() {
		list, err := p.collect(&run{timed, maxSteps, memory, stop}, in, limit)
		done <- result{list, err}
	}()
	select {
	case r := <-done:
		return r.outputs, r.err
	case <-timed.Done():
	}
	grace := time.NewTimer(grace)
	defer grace.Stop()
	select {
	case r := <-done:
		return r.outputs, r.err
	case <-grace.C:
	}
	p.stuck.Add(1)
	go func() {
		<-done
		p.stuck.Add(-1)
	}()
	return nil, context.Cause(timed)
}

// collect runs the program to its end. A panic would end the process from here.
func (p Program) collect(r *run, in any, limit int) (list []Output, err error) {
	defer func() {
		if r := recover(); r != nil {
			list, err = nil, &Error{"jq: the program failed", fmt.Sprintf("jq: the program failed: %v", r)}
		}
	}()
	out := outputs{left: limit, limit: limit}
	for iter := p.code.RunWithContext(r, in, r); ; {
		v, ok := iter.Next()
		if r.Err() != nil {
			return nil, context.Cause(r)
		}
		if !ok {
			return out.list, nil
		}
		if failed, bad := v.(error); bad {
			var halt *gojq.HaltError
			if errors.As(failed, &halt) && halt.Value() == nil {
				return out.list, nil
			}
			return nil, failure(failed)
		}
		if err := out.add(v); err != nil {
			return nil, ofOutput(out.count, err)
		}
	}
}
