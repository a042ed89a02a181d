package clients

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/donovanhide/eventsource"
	r3labs "github.com/r3labs/sse/v2"
	"github.com/tmaxmax/go-sse"
	"gopkg.in/cenkalti/backoff.v1"
)

// httpClient returns an HTTP client that trusts the target's authority, and its end.
func (to target) httpClient() (*http.Client, func(), error) {
	pem, err := os.ReadFile(to.authority)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the authority: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	return &http.Client{Transport: transport}, transport.CloseIdleConnections, nil
}

// followGoSSE follows with github.com/tmaxmax/go-sse.
func followGoSSE(ctx context.Context, to target, each func(seen)) error {
	client, end, err := to.httpClient()
	if err != nil {
		return err
	}
	defer end()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, to.url, nil)
	if err != nil {
		return err
	}
	if to.id != "" {
		r.Header.Set("Last-Event-ID", to.id)
	}
	connection := (&sse.Client{HTTPClient: client}).NewConnection(r)
	connection.SubscribeToAll(func(e sse.Event) { each(seen{e.Type, e.LastEventID, e.Data}) })
	return connection.Connect()
}

// followR3labs follows with github.com/r3labs/sse.
func followR3labs(ctx context.Context, to target, each func(seen)) error {
	client, end, err := to.r3labs()
	if err != nil {
		return err
	}
	defer end()
	client.ReconnectStrategy = backoff.WithContext(backoff.NewExponentialBackOff(), ctx) // which is the default, but ends
	return client.SubscribeRawWithContext(ctx, func(e *r3labs.Event) {
		each(seen{string(e.Event), string(e.ID), string(e.Data)})
	})
}

// followR3labsWithCode follows with github.com/r3labs/sse, and the workaround of docs/clients.md.
func followR3labsWithCode(ctx context.Context, to target, each func(seen)) error {
	client, end, err := to.r3labs()
	if err != nil {
		return err
	}
	defer end()
	client.ResponseValidator = func(_ *r3labs.Client, resp *http.Response) error {
		if resp.StatusCode == http.StatusOK {
			return nil
		}
		resp.Body.Close()
		err := errors.New(resp.Status)
		if resp.StatusCode == http.StatusNoContent || resp.StatusCode/100 == 4 {
			return backoff.Permanent(err)
		}
		return err
	}
	wait := backoff.NewConstantBackOff(3 * time.Second)
	client.ReconnectStrategy = backoff.WithContext(wait, ctx)
	for {
		err := client.SubscribeRawWithContext(ctx, func(e *r3labs.Event) {
			if ms, err := strconv.Atoi(string(e.Retry)); err == nil {
				wait.Interval = time.Duration(ms) * time.Millisecond
			}
			if len(e.Data) == 0 { // a block of retry: alone is no event
				return
			}
			each(seen{string(e.Event), string(e.ID), string(e.Data)})
		})
		if err != nil { // none says that the stream has ended
			return err
		}
		select {
		case <-time.After(wait.Interval):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (to target) r3labs() (*r3labs.Client, func(), error) {
	client := r3labs.NewClient(to.url)
	var end func()
	var err error
	client.Connection, end, err = to.httpClient()
	if to.id != "" {
		client.LastEventID.Store([]byte(to.id))
	}
	return client, end, err
}

// followDonovanhide follows with github.com/donovanhide/eventsource.
func followDonovanhide(ctx context.Context, to target, each func(seen)) error {
	return to.donovanhide(ctx, each, func(error) bool { return false })
}

// followDonovanhideWithCode follows with github.com/donovanhide/eventsource, and the workaround of
// docs/clients.md.
func followDonovanhideWithCode(ctx context.Context, to target, each func(seen)) error {
	return to.donovanhide(ctx, each, func(err error) bool {
		refusal := eventsource.SubscriptionError{}
		return errors.As(err, &refusal) && (refusal.Code == http.StatusNoContent || refusal.Code/100 == 4)
	})
}

func (to target) donovanhide(ctx context.Context, each func(seen), final func(error) bool) error {
	client, end, err := to.httpClient()
	if err != nil {
		return err
	}
	defer end()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, to.url, nil)
	if err != nil {
		return err
	}
	stream, err := eventsource.SubscribeWith(to.id, client, r)
	if err != nil {
		return err
	}
	for {
		select {
		case e := <-stream.Events:
			each(seen{e.Event(), e.Id(), e.Data()})
		case err := <-stream.Errors:
			// now that it waits to come back it sends nothing, and can be closed
			if ctx.Err() != nil || final(err) {
				stream.Close()
				return err
			}
		}
	}
}
