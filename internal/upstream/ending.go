package upstream

import (
	"context"
	"io"
	"sync/atomic"
)

// ending is the context of a request that the bridge may end while its answer comes: at its time-out, or because nobody
// needs it any more. reverse_proxy logs a warning for each answer that breaks off. So once the head has come, the cause
// of the context is io.EOF: the transport of Go's net/http returns the cause to who reads the body, and that is the end
// of an answer like any other. Whoever called the handlers finds that the context has ended.
type ending struct {
	ctx    context.Context
	end    context.CancelCauseFunc
	follow func() bool // stops following the parent
	begun  atomic.Bool // the head of the answer has come
}

type endingKey struct{}

// newEnding returns the context of a request, which ends with its parent. It must be ended in any case.
func newEnding(parent context.Context) *ending {
	e := new(ending)
	e.ctx, e.end = context.WithCancelCause(context.WithValue(context.WithoutCancel(parent), endingKey{}, e))
	e.follow = context.AfterFunc(parent, func() { e.finish(context.Cause(parent)) })
	return e
}

// endingOf returns the ending that a context belongs to; nil: none.
func endingOf(ctx context.Context) *ending {
	e, _ := ctx.Value(endingKey{}).(*ending)
	return e
}

// because ends the request, unless it has ended.
func (e *ending) because(err error) {
	e.follow()
	e.finish(err)
}

func (e *ending) finish(err error) {
	if e.begun.Load() {
		err = io.EOF
	}
	e.end(err)
}

// asks notes that the request is sent, or sent again after a redirect.
func (e *ending) asks() {
	if e != nil {
		e.begun.Store(false)
	}
}

// answers notes that the head of the answer has come.
func (e *ending) answers() {
	if e != nil {
		e.begun.Store(true)
	}
}
