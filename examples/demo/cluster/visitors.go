//go:build unix

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tmaxmax/go-sse"

	"github.com/sse-bridge/caddy-sse-bridge/examples/demo/internal/tally"
)

const (
	visitorCount = 30
	shortestStay = 5 * time.Second // on one connection; the longest is three times that
	comesBack    = 500 * time.Millisecond
)

// visitors are clients beside the page. They come back after a while or when their stream breaks, to any of the
// nodes, so that each node has some.
type visitors struct {
	url  string // of the messages
	here atomic.Int64
	got  tally.Tally
}

// come returns when ctx ends.
func (v *visitors) come(ctx context.Context) {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	var all sync.WaitGroup
	for range visitorCount {
		all.Go(func() {
			r := &tally.Receiver{Tally: &v.got}
			id := "" // of the last event
			for ctx.Err() == nil {
				// That a stream breaks is what is tried here: the next one goes on after it.
				_ = v.visit(ctx, client, r, &id)
				select {
				case <-ctx.Done():
				case <-time.After(comesBack):
				}
			}
		})
	}
	all.Wait()
}

// visit listens on one connection, and keeps the id of the last event.
func (v *visitors) visit(ctx context.Context, client *http.Client, r *tally.Receiver, id *string) error {
	ctx, stop := context.WithTimeout(ctx, shortestStay+rand.N(2*shortestStay))
	defer stop()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, v.url, http.NoBody)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "text/event-stream")
	if *id != "" {
		request.Header.Set("Last-Event-ID", *id)
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	v.here.Add(1)
	defer v.here.Add(-1)
	for event, err := range sse.Read(response.Body, nil) {
		if err != nil {
			return err
		}
		var m struct{ ID int64 }
		// A notice of the bridge is no message, and has no number.
		if err := json.Unmarshal([]byte(event.Data), &m); err == nil && m.ID > 0 {
			r.Take(m.ID)
			*id = event.LastEventID
		}
	}
	return nil
}
