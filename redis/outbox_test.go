package redis

import (
	"errors"
	"strings"
	"testing"
)

// channels are those of all that is taken, one batch a word.
func channels(o *outbox) string {
	var words []string
	for batch := o.take(); len(batch) > 0; batch = o.take() {
		var word strings.Builder
		for _, letter := range batch {
			word.WriteString(letter.channel)
		}
		words = append(words, word.String())
	}
	return strings.Join(words, " ")
}

func TestBeatsGoFirstAndLargeMessagesAlone(t *testing.T) {
	o := newOutbox()
	for _, l := range []letter{{"a", nil}, {"b", make([]byte, mostAtOnce+1)}, {"c", make([]byte, mostAtOnce/2)}, {"d", make([]byte, mostAtOnce/2)}, {"e", []byte{1}}} {
		if err := o.put(l); err != nil {
			t.Fatal(err)
		}
	}
	o.putBeat(letter{"-", nil})
	o.putBeat(letter{"=", nil})
	if got := channels(o); got != "=a b cd e" {
		t.Errorf("got %q", got)
	}
}

func TestNoMoreWaitsThanAnOutboxHolds(t *testing.T) {
	o := newOutbox()
	big := make([]byte, largest)
	for range mostWaiting / largest {
		if err := o.put(letter{"a", big}); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.put(letter{"a", []byte{1}}); !errors.Is(err, errFull) {
		t.Errorf("got %v", err)
	}
	o.take()
	if err := o.put(letter{"a", []byte{1}}); err != nil {
		t.Error(err)
	}
	o.end()
	if err := o.put(letter{"a", nil}); !errors.Is(err, errAway) || len(o.take()) > 0 {
		t.Errorf("after the end: %v", err)
	}
}
