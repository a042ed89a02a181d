package cluster

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

func messages() []message {
	at := position.Position{Cursor: position.Cursor{"9"}}
	return []message{
		{kind: kindHello, node: nodeID{1}, asks: 3},
		{kind: kindPolling, node: nodeID{1, 2, 3, 4}, told: 7, claim: claim{term: 2, lapse: 5, word: true}, from: "9", wait: time.Second},
		{kind: kindAnswer, heard: []hearing{{nodeID{9}, 4}}, from: "8", to: "9", what: what{page: &page.Page{News: true, Next: at, Events: []page.Event{{Data: []byte("x"), At: at}}}, at: at, took: time.Millisecond}},
		{kind: kindAnswer, what: what{failed: &page.Error{Status: 503, Comment: "status 503", Later: true, Err: errElsewhere}}},
		{kind: kindAnswer, what: what{reset: "restarted"}},
		{kind: kindAnswer, what: what{large: true}},
		{kind: kindYield},
		{kind: kindHurry},
		{kind: kindStart, what: what{page: &page.Page{}}},
	}
}

func TestAMessageIsTold(t *testing.T) {
	t.Parallel()
	for _, m := range messages() {
		text, err := m.encode()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := scan(text); err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("%+v became %+v: %v", m, got, err)
		}
	}
}

func TestAMessageThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	write := func(m message) []byte {
		text, err := m.encode()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	whole := write(messages()[1])
	for name, text := range map[string][]byte{
		"nothing":                      {},
		"of no kind":                   write(message{kind: 99}),
		"a reset without a reason":     write(message{kind: kindAnswer, what: what{reset: "because"}}),
		"with something behind it":     append(slices.Clone(whole), 1),
		"cut off":                      whole[:len(whole)-3],
		"with an answer of a new form": append(slices.Clone(whole[:len(whole)-1]), 99),
	} {
		if m, err := scan(text); err == nil {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

// Clients get nothing but the bridge's own words of a failure, whatever another node says.
func TestTheCommentOfAFailureIsOneOfAFewTexts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"status 503": "status 503", "status 502": page.Unreachable, "unreadable answer": "unreadable answer",
		"upstream refuses": "upstream refuses", "no answer in time": "no answer in time", "x\n\ndata: forged": page.Unreachable, "": page.Unreachable,
	} {
		m := message{kind: kindAnswer, what: what{failed: &page.Error{Status: 503, Comment: text}}}
		written, err := m.encode()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := scan(written); err != nil || got.failed.Comment != want {
			t.Errorf("%q became %q: %v", text, got.failed.Comment, err)
		}
	}
}

func TestSealedMessages(t *testing.T) {
	t.Parallel()
	p := newPacker()
	t.Cleanup(p.unpack.Close)
	one := newSecretOf(t, "bridge", "feed")
	for _, text := range []string{"", "short", strings.Repeat("a message that is long ", 10_000)} {
		sealed := one.seal([]byte(text), p)
		if len(text) > packed && len(sealed) > len(text)/10 {
			t.Errorf("a long message takes %d bytes", len(sealed))
		}
		if text != "" && bytes.Contains(sealed, []byte(text[:5])) {
			t.Error("the message can be read without a key")
		}
		if got, err := one.open(sealed, p); err != nil || string(got) != text {
			t.Errorf("a message of %d bytes was opened as one of %d: %v", len(text), len(got), err)
		}
		for i := 1; i < len(sealed); i += 1 + len(sealed)/50 {
			forged := slices.Clone(sealed)
			forged[i] ^= 1
			if _, err := one.open(forged, p); !errors.Is(err, errSeal) {
				t.Errorf("a message that was changed: %v", err)
			}
		}
		if _, err := one.open(slices.Concat([]byte{3 - sealed[0]}, sealed[1:]), p); !errors.Is(err, errSeal) {
			t.Errorf("a message whose form was changed: %v", err)
		}
	}
	if _, err := one.open([]byte{9, 1, 2}, p); !errors.Is(err, errForm) {
		t.Errorf("a form that is unknown: %v", err)
	}
}

func newSecretOf(t *testing.T, bridge, feed string) *secret {
	t.Helper()
	s, err := newSecret(bridge, []byte(feed))
	if err != nil {
		t.Fatal(err)
	}
	return &s
}

// Nodes of one release must agree on this, so a change of it is another wireVersion.
func TestTheSecretOfAFeedIsMadeOfAllThatItIs(t *testing.T) {
	t.Parallel()
	one := newSecretOf(t, "bridge", "feed")
	if one.topic != "5de8da17fea6774fb6e30a99ccc5957f" {
		t.Errorf("the topic is %s", one.topic)
	}
	for _, other := range []*secret{newSecretOf(t, "bridge", "feed2"), newSecretOf(t, "bridge2", "feed")} {
		if other.topic == one.topic || other.key == one.key {
			t.Error("two feeds have one secret")
		}
	}
	p := newPacker()
	t.Cleanup(p.unpack.Close)
	if _, err := newSecretOf(t, "bridge", "feed2").open(one.seal([]byte("x"), p), p); !errors.Is(err, errSeal) {
		t.Errorf("with the key of another feed: %v", err)
	}
}

func FuzzScan(f *testing.F) {
	for _, m := range messages() {
		text, err := m.encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := scan(text)
		if err != nil {
			return
		}
		written, err := m.encode()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := scan(written); err != nil || (m.page == nil || m.page.Set == nil) && !reflect.DeepEqual(again, m) {
			t.Errorf("%+v became %+v: %v", m, again, err)
		}
	})
}

func FuzzNodes(f *testing.F) {
	n := nodes{self: Node{Name: "a", Version: "v1"}, bridges: map[uint32]int{1: 1}}
	for _, form := range []byte{signLife, signSelf, signBye} {
		f.Add(n.sign(nodeID{1, 2, 3, 4}, form))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		n := nodes{self: Node{Name: "a", Version: "v1"}}
		now := time.Unix(1, 0)
		if _, came, _, err := n.hear(text, now); came != (len(n.list(now)) == 1) || came && err != nil {
			t.Errorf("a node came: %t, and %d are there: %v", came, len(n.list(now)), err)
		}
		for _, node := range n.list(now) {
			if len(node.Name) > 3*maxWord || strings.ContainsAny(node.Name+node.Version, "\n\r\x00") {
				t.Errorf("a node is called %q", node.Name)
			}
		}
	})
}
