package position

import (
	"bytes"
	"testing"
)

func prints(items ...string) []Print {
	var ps Prints
	var out []Print
	for _, it := range items {
		out = append(out, ps.Next([]byte(it)))
	}
	return out
}

func TestPrintIsOfAnItemAndTheTwoBeforeIt(t *testing.T) {
	t.Parallel()
	all := prints("a", "b", "c", "d")
	if moved := prints("x", "y", "b", "c", "d"); moved[4] != all[3] {
		t.Error("a page that lost items before the three is not recognised")
	}
	if other := prints("a", "x", "c", "d"); other[3] == all[3] || other[2] == all[2] {
		t.Error("the two items before do not count")
	}
	if equal := prints("a", "a", "a", "a", "a"); equal[0] == equal[1] || equal[1] == equal[2] || equal[2] != equal[3] {
		t.Error("a run of equal items: the first three should differ, the others not")
	}
	if split := prints("ab", ""); split[1] == prints("a", "b")[1] {
		t.Error("where one item ends does not count")
	}
}

// The fingerprint is part of ids that clients hold: it must be the same in every version.
func TestPrintsAndHashesNeverChange(t *testing.T) {
	t.Parallel()
	p := prints(`{"id":1}`, `{"id":2}`, `{"id":3}`)
	for i, want := range []string{"ozBtUuyP", "Yf75yNOh", "N5cpTVoq"} {
		if got := p[i].String(); got != want {
			t.Errorf("fingerprint %d is %s, want %s", i, got, want)
		}
	}
	if got, want := Hash("", []byte(`{"a":1}`)), "Fh3aJnvxnwGBKap_"; got != want {
		t.Errorf("the hash is %s, want %s", got, want)
	}
}

func TestHashIsOfTypeAndData(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, e := range [][2]string{{"", ""}, {"a", ""}, {"", "a"}, {"a", "b"}, {"ab", ""}, {"", "ab"}} {
		h := Hash(e[0], []byte(e[1]))
		if was, ok := seen[h]; ok || len(h) != 16 {
			t.Errorf("the hash of %q is %s, as of %s", e, h, was)
		}
		seen[h] = e[0] + "|" + e[1]
	}
}

func FuzzPrintString(f *testing.F) {
	f.Add([]byte("Zok5TkMq"))
	f.Add([]byte("--__AA=="))
	f.Add([]byte("Zok5\r\nTkMq"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := parsePrint(string(b)); err == nil && !bytes.Equal([]byte(p.String()), b) {
			t.Fatalf("%q is the fingerprint %s", b, p)
		}
	})
}
