package feed

import (
	"bytes"
	"io"
	"net/http/httputil"
	"testing"
)

func FuzzChunk(f *testing.F) {
	f.Add([]byte("data: x\n\n"), []byte("data: y\n\n"))
	f.Add([]byte{}, bytes.Repeat([]byte("x"), 70_000))
	f.Fuzz(func(t *testing.T, one, two []byte) {
		if len(one) == 0 || len(two) == 0 {
			return // a chunk of nothing ends a body, and no batch is empty
		}
		var body []byte
		for _, text := range [][]byte{one, two} {
			b := sealed(text)
			if !bytes.Equal(b.text, text) {
				t.Errorf("the text became %q", b.text)
			}
			body = append(body, b.chunk...)
		}
		got, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(append(body, "0\r\n\r\n"...))))
		if want := append(bytes.Clone(one), two...); err != nil || !bytes.Equal(got, want) {
			t.Errorf("net/http reads %q, %v", got, err)
		}
	})
}

func TestABatchCannotGrowIntoItsChunk(t *testing.T) {
	b := sealed([]byte("data: x\n\n"))
	if _ = append(b.text, '!'); string(b.chunk) != "00000009\r\ndata: x\n\n\r\n" {
		t.Errorf("the chunk became %q", b.chunk)
	}
}

// bells counts how often it is woken.
type bells int

func (b *bells) Wake() { *b++ }

func TestAReaderThatIsHandedOverIsFollowedWithoutWaiting(t *testing.T) {
	f := newFeed(testConfig())
	c := f.newChain()
	r := &Reader{feed: &f.common, arrival: &arrival{desk: &node{log: f.lobby.log}}}
	r.wake.Store(&bell{ring: make(chan struct{}, 1)})
	r.at = place{node: r.desk}
	c.sit(r, c.log.end())
	var woken bells
	takes := func(what, wantText, wantChunk string) {
		t.Helper()
		if woken == 0 {
			t.Errorf("%s: nobody is woken", what)
		}
		woken = 0
		text, chunk, err := r.TryNext()
		if string(text) != wantText || string(chunk) != wantChunk || err != nil {
			t.Errorf("%s: got %q in %q, %v", what, text, chunk, err)
		}
	}
	nothing := func(what string) {
		t.Helper()
		if text, _, err := r.TryNext(); text != nil || err != nil {
			t.Errorf("%s: got %q, %v", what, text, err)
		}
	}
	c.publish(sealed([]byte("before\n")), nil)
	r.HandOver(&woken)
	takes("what was there before", "before\n", "00000007\r\nbefore\n\r\n")
	nothing("after it")
	c.publish(sealed([]byte("data: x\n\n")), nil)
	takes("an event", "data: x\n\n", "00000009\r\ndata: x\n\n\r\n")
	r.Nudge()
	takes("a keep-alive", ":\n\n", "00000003\r\n:\n\n\r\n")
	f.config.Alive = true
	r.Nudge()
	takes("an event in its place", "event: bridge.alive\ndata: {}\n\n", "0000001e\r\nevent: bridge.alive\ndata: {}\n\n\r\n")
	nothing("after it")
	c.log.notice.say("unreachable")
	c.audience.wake()
	takes("a notice", ": unreachable\n\n", "")
	c.publish(sealed([]byte("data: y\n\n")), nil)
	r.Stop(Ended)
	takes("what came before the end", "data: y\n\n", "00000009\r\ndata: y\n\n\r\n")
	if text, _, err := r.TryNext(); text != nil || err.(*End).Reason != Ended {
		t.Errorf("the end: got %q, %v", text, err)
	}
}

func TestTheRestOfABatchIsNotItsChunk(t *testing.T) {
	f := newFeed(testConfig())
	c := f.newChain()
	c.publish(sealed([]byte("data: 1\n\ndata: 2\n\n")), nil)
	r := &Reader{feed: &f.common, arrival: &arrival{desk: &node{log: f.lobby.log}}}
	r.wake.Store(&bell{to: new(bells)})
	r.at = place{node: r.desk}
	at := c.log.end()
	at.off = len("data: 1\n\n")
	c.sit(r, at)
	if text, chunk, err := r.TryNext(); string(text) != "data: 2\n\n" || chunk != nil || err != nil {
		t.Errorf("got %q in %q, %v", text, chunk, err)
	}
}

func TestHandingOverAllocatesNothingLater(t *testing.T) {
	f := newFeed(testConfig())
	c := f.newChain()
	r := &Reader{feed: &f.common, arrival: &arrival{desk: &node{log: f.lobby.log}}}
	r.wake.Store(&bell{to: new(bells)})
	r.at = place{node: r.desk}
	c.sit(r, c.log.end())
	batch := sealed(make([]byte, 200))
	for range 2000 {
		c.log.append(batch, nil, 1<<30)
	}
	if n := testing.AllocsPerRun(1000, func() {
		if _, chunk, err := r.TryNext(); len(chunk) != len(batch.chunk) || err != nil {
			t.Fatal(len(chunk), err)
		}
	}); n != 0 {
		t.Errorf("%v allocations for an event that is there", n)
	}
}
