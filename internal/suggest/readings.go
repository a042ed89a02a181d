package suggest

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/tidwall/gjson"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// reading is one of the answers to the same request that show what changes.
type reading struct {
	reply
	body  gjson.Result // as JSON; none where it is none
	at    time.Time
	asked int // how many requests there were until then
}

// readings is how many there are. Two pauses tell what changes by itself from what has changed once.
const readings = 3

// readAgain makes further readings. It ends where the endpoint holds one, or counts requests.
func (f *findings) readAgain(ctx context.Context) error {
	f.readings = []reading{f.reading(f.first)}
	if f.counts() || f.first.held || f.first.took >= f.Hold {
		return nil
	}
	f.Say(fmt.Sprintf("reading it again, %s and %s later, to see what changes", f.Apart, 2*f.Apart))
	for len(f.readings) < readings {
		last := f.readings[len(f.readings)-1]
		select {
		case <-time.After(time.Until(last.at.Add(f.Apart))):
		case <-ctx.Done():
			return ctx.Err()
		}
		a, err := f.ask(ctx, f.Hold, f.leftOut, "")
		if err == nil && a.held && !f.late { // or it was only busy
			a, err = f.ask(ctx, f.Hold, f.leftOut, "")
		}
		if err != nil {
			return err
		}
		f.readings = append(f.readings, f.reading(a))
		if a.held || a.goesOn || a.Status == 429 {
			break
		}
		if len(f.readings) < readings && !bytes.Equal(a.Body, f.first.Body) { // a counter of requests shows if pauses have different numbers of them
			if _, err := f.ask(ctx, f.Hold, f.leftOut, ""); err != nil {
				return err
			}
		}
	}
	return nil
}

// reading notes an answer. What is no answer has no body.
func (f *findings) reading(a reply) reading {
	r := reading{reply: a, at: time.Now(), asked: f.asked}
	if len(f.readings) == 0 {
		r.at, r.asked = f.answered, f.askedFirst
	}
	if a.Status/100 != 2 || a.held {
		return r
	}
	if found := explain(f.config(), a.Response); found.JSON && found.Err == nil {
		r.body = gjson.ParseBytes(found.Body)
	}
	return r
}

// config says in which format answers are read.
func (f *findings) config() page.Config {
	if f.list == nil {
		return page.Config{}
	}
	c := f.list.config
	c.Items = value.Path{}
	return c
}

// bodies are those readings that are JSON.
func (f *findings) bodies() (all []gjson.Result) {
	for _, r := range f.readings {
		if r.body.Exists() {
			all = append(all, r.body)
		}
	}
	return all
}

// lists is the list in each reading that was answered. One without it counts as empty.
func (f *findings) lists() (all []*list) {
	for _, r := range f.readings {
		if r.held || r.Status/100 != 2 {
			continue
		}
		if l, ok := f.list.in(r.Response); ok {
			all = append(all, l)
		} else {
			all = append(all, &list{})
		}
	}
	return all
}

// counts reports whether the endpoint counts requests: it is not asked in vain.
func (f *findings) counts() bool {
	left, err := strconv.Atoi(f.first.Header.Get("X-RateLimit-Remaining"))
	return err == nil && left < 3*maxAsked || f.first.Header.Get("X-GitHub-Media-Type") != ""
}

// pause is the time between two readings.
type pause struct {
	long  time.Duration
	asked int // how many requests there were in it
}

func (f *findings) between() (all []pause) {
	for i := 1; i < len(f.readings); i++ {
		before, r := f.readings[i-1], f.readings[i]
		all = append(all, pause{r.at.Sub(before.at), r.asked - before.asked})
	}
	return all
}
