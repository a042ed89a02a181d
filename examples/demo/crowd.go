//go:build unix

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/tmaxmax/go-sse"

	"github.com/sse-bridge/caddy-sse-bridge/examples/demo/internal/tally"
)

const (
	crowdSize   = 100
	crowdStays  = time.Minute
	pollerPause = 2 * time.Second // as the AJAX page
)

// crowd is the clients that were added to those of the page: as many pollers as streams.
type crowd struct {
	url     string // of the messages
	running sync.WaitGroup

	mu              sync.Mutex
	until           time.Time // when it goes
	pollers, stream tally.Tally
}

// come adds the clients, until ctx ends or their time is over, or reports that they are there.
func (c *crowd) come(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Now().Before(c.until) {
		return fmt.Errorf("%d clients are there already", crowdSize)
	}
	c.until = time.Now().Add(crowdStays)
	ctx, stop := context.WithDeadline(ctx, c.until)
	transport := &http.Transport{MaxIdleConnsPerHost: crowdSize}
	client := &http.Client{Transport: transport}

	var all sync.WaitGroup
	for i := range crowdSize {
		// Spread over one pause, as visitors who came at any time are.
		first := pollerPause * time.Duration(i) / crowdSize
		all.Go(func() { poll(ctx, client, c.url, first, &tally.Receiver{Tally: &c.pollers}) })
		all.Go(func() { listen(ctx, client, c.url, &tally.Receiver{Tally: &c.stream}) })
	}
	c.running.Go(func() {
		defer stop()
		all.Wait()
		transport.CloseIdleConnections()
	})
	return nil
}

// left is how long the clients stay, and what all that ever came have got.
func (c *crowd) left() (left time.Duration, pollers, stream tally.State) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return max(time.Until(c.until), 0), c.pollers.State(), c.stream.State()
}

// poll asks again and again, as the AJAX page does, from the first moment on.
func poll(ctx context.Context, client *http.Client, url string, first time.Duration, r *tally.Receiver) {
	wait := time.NewTimer(first)
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wait.C:
		}
		query := "?wait=0"
		if r.Last > 0 {
			query += "&lastId=" + strconv.FormatInt(r.Last, 10)
		}
		// What failed is asked for again the next time.
		if ids, err := ask(ctx, client, url+query); err == nil {
			for _, id := range ids {
				r.Take(id)
			}
		}
		wait.Reset(pollerPause)
	}
}

// ask returns the numbers of the messages that a poll brings.
func ask(ctx context.Context, client *http.Client, url string) ([]int64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return nil, err
	}
	var answer struct{ Messages []struct{ ID int64 } }
	err = json.Unmarshal(body, &answer)
	ids := make([]int64, len(answer.Messages))
	for i, m := range answer.Messages {
		ids[i] = m.ID
	}
	return ids, err
}

// listen is an event source, which reconnects as a browser's does.
func listen(ctx context.Context, client *http.Client, url string, r *tally.Receiver) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return
	}
	connection := (&sse.Client{HTTPClient: client}).NewConnection(request)
	connection.SubscribeMessages(func(event sse.Event) {
		var m struct{ ID int64 }
		// Without data it is no event (HTML, section 9.2.6), though it is passed on here.
		if err := json.Unmarshal([]byte(event.Data), &m); err == nil {
			r.Take(m.ID)
		}
	})
	// It ends with an error always: that its time is over.
	_ = connection.Connect()
}
