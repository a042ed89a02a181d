package page

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// relisted are configurations of sets, with a body each.
var relisted = []struct{ block, body string }{
	{"items list; id id", `{"at":1,"list":[{"id":1,"n":0},{"id":2,"n":0},{"id":3,"n":0},{"id":4,"n":[1,{"a":"]"}]},{"id":5,"n":0},{"id":6},{"id":7},{"id":8,"t":"a\"}"}],"list2":[],"more":false}`},
	{"items @this; id @this", ` ["a","b",12,1,123,"13","c,]","d\"","e", true ,false, 5, [] ]` + "\n"},
	{"items a.0.list; id id; data n", `{"a":[{"list":[{"id":1,"n":0},{"id":2,"n":"x"},{"id":3},{"id":4,"n":{}},{"id":5,"n":null},{"id":6,"n":1}]},{"list":[{"id":9}]}]}`},
	{"items list; id id; ignore off; ignore !n; more more; end end 1", `{"list":[{"id":1,"n":1},{"id":2,"n":1,"off":1},{"id":2,"off":1},{"id":3,"n":1},{"id":4,"n":1},{"off":1},{"id":5,"n":1},{"id":6,"n":1}],"more":0,"end":0}`},
	{"items list; id {sse.item.id}-{sse.item.n}; data {sse.item.n}!; fail error; reset reset", `{"list":[{"id":1,"n":1},{"id":2,"n":1},{"id":3,"n":1},{"id":4,"n":1},{"id":5,"n":1},{"id":6,"n":1},{"id":7,"n":1}],"error":0}`},
	{"items list; id id; data {sse.body.at}", `{"at":1,"list":[{"id":1},{"id":2},{"id":3},{"id":4},{"id":5},{"id":6}]}`},
	{"items list; id {sse.header.Etag}{sse.item.id}", `{"list":[{"id":1},{"id":2},{"id":3},{"id":4},{"id":5},{"id":6}]}`},
	{"items list; id id; ignore {sse.body.at} 2; cursor at", `{"at":1,"list":[{"id":1},{"id":2},{"id":3},{"id":4},{"id":5},{"id":6}]}`},
	{"items l*st; id id", `{"list":[{"id":1},{"id":2},{"id":3},{"id":4},{"id":5},{"id":6}]}`},
	{"items g.#(list.#<7).list; id id", `{"g":[{"list":[{"id":1},{"id":2},{"id":3},{"id":4},{"id":5},{"id":6}]},{"list":[{"id":9}]}]}`},
	{"items list.#.x; id @this", `{"list":[{"x":1},{"x":2},{"x":3},{"x":4},{"x":5},{"x":6}]}`},
	{"items list|@reverse; id id", `{"list":[{"id":1},{"id":2},{"id":3},{"id":4},{"id":5},{"id":6}]}`},
	{"format jsonp; items list; id id", `cb({"list":[{"id":1},{"id":2},{"id":3},{"id":4},{"id":5},{"id":6}]});`},
	{"format xml; items r.i; id -id", `<r><i id="1">a</i><i id="2">b</i><i id="3">c</i><i id="4">d</i></r>`},
	{"format lines", "a\nb\nc\nd\n"},
}

// edited changes a text at random: pieces of JSON come, go, move and stand twice.
func edited(random *rand.Rand, text []byte) []byte {
	pieces := []string{"", "", ",", "[", "]", "{", "}", `"`, `\`, " ", "\n", "1", "0", `"a"`, `{"id":77,"n":1},`, `,{"id":78}`, `"n":5`, `"off":1,`, ":", "[]", "null", "-", ".5", "é", `{"list":[`, `"list":[{"id":50}],`, "\x00", "\xff", `"\u00e9"`}
	text = bytes.Clone(text)
	for range 1 + random.IntN(3) {
		marks := []int{0, len(text)} // a text is cut where its structure is, most of the time
		for i, c := range value.Structure(text) {
			marks = append(marks, i)
			if c != '{' || random.IntN(2) == 0 {
				marks = append(marks, i+1)
			}
		}
		place := func() int {
			if random.IntN(3) == 0 {
				return random.IntN(len(text) + 1)
			}
			return min(marks[random.IntN(len(marks))], len(text))
		}
		a, b := place(), place()
		a, b = min(a, b), max(a, b)
		if b-a > len(text)/3 {
			b = a
		}
		switch c := place(); random.IntN(5) {
		case 0:
			text = slices.Concat(text[:a], text[b:])
		case 1:
			text = slices.Concat(text[:a], []byte(pieces[random.IntN(len(pieces))]), text[a:])
		case 2:
			text = slices.Concat(text[:a], []byte(pieces[random.IntN(len(pieces))]), text[b:])
		case 3: // a part stands twice
			text = slices.Concat(text[:c], text[a:b], text[c:])
		case 4: // a part moves
			if c <= a {
				text = slices.Concat(text[:c], text[a:b], text[c:a], text[b:])
			}
		}
	}
	return text
}

// readBoth reads an answer with and without the help of the one before, which may be nil, and compares what comes out.
// It reports whether there was a set, and whether it was read with that help.
func readBoth(t *testing.T, r *Reader, before *Set, resp Response) (now *Set, helped bool) {
	t.Helper()
	plain, plainErr := r.Read(resp, position.Position{}, nil)
	p, err := r.ReadSet(resp, position.Position{}, before, 0, nil)
	if fmt.Sprint(err) != fmt.Sprint(plainErr) {
		t.Fatalf("%s: the error is %v, and without the set before %v", resp.Body, err, plainErr)
	}
	if (p.Set == nil) != (plain.Set == nil) {
		t.Fatalf("%s: there is a set, or there is none: %v, %v", resp.Body, p.Set, plain.Set)
	}
	now, slow := p.Set, plain.Set
	if p.Set, plain.Set = nil, nil; !reflect.DeepEqual(p, plain) {
		t.Fatalf("%s: %+v, and without the set before %+v", resp.Body, p, plain)
	}
	if now == nil {
		return nil, false
	}
	helped = before != nil && slices.ContainsFunc(now.elements, func(e *element) bool { return slices.Contains(before.elements, e) })
	now.Follow(before)
	slow.Follow(nil)
	if a, b := now.Snapshot(), slow.Snapshot(); !reflect.DeepEqual(a, b) {
		t.Fatalf("%s: the snapshot is %s %s, and without the set before %s %s", resp.Body, a.Data, a.Key, b.Data, b.Key)
	}
	if now.size != slow.size || len(now.places) != len(slow.places) || len(now.digests) != len(slow.digests) {
		t.Fatalf("%s: %d places, and without the set before %d", resp.Body, len(now.places), len(slow.places))
	}
	for id, at := range slow.places {
		if found := now.find(at, id); found == nil || found.digest != slow.elements[at].digest || now.places[id] != at {
			t.Fatalf("%s: %q is %v", resp.Body, id, found)
		}
	}
	if before != nil {
		if a, b := now.Changes(before, nil), slow.Changes(before, nil); !reflect.DeepEqual(a, b) {
			t.Fatalf("%s: the changes are %v, and without the set before %v", resp.Body, a, b)
		}
	}
	return now, helped
}

// rereadEdited reads a body, and then several that differ from it, each with the help of the last one that was a set.
func rereadEdited(t *testing.T, block, body string, seed uint64, edits int) (helped int) {
	t.Helper()
	r := NewReader(config(t, block+"; diff items"))
	random := rand.New(rand.NewPCG(seed, 1))
	last, _ := readBoth(t, r, nil, ok(body))
	text := []byte(body)
	for range edits {
		next := edited(random, text)
		if random.IntN(4) == 0 {
			next = []byte(body)
		}
		set, helps := readBoth(t, r, last, ok(string(next), fmt.Sprintf("ETag: %d", random.IntN(2))))
		if helps {
			helped++
		}
		if set != nil {
			last, text = set, next
		}
	}
	return helped
}

func TestAnAnswerReadsTheSameWithTheSetBefore(t *testing.T) {
	for i, c := range relisted {
		helped := 0
		for seed := range uint64(200) {
			helped += rereadEdited(t, c.block, c.body, seed, 8)
		}
		if i < 5 && helped < 100 || i > 4 && helped > 0 && !strings.HasPrefix(c.block, "format jsonp") {
			t.Errorf("%s: %d answers were read with the set before", c.block, helped)
		}
	}
}

// Only what is new in an answer is read: what is kept of the one before is kept whole.
func TestAnAnswerIsReadWithTheSetBefore(t *testing.T) {
	var items []string
	for i := range 20 {
		items = append(items, fmt.Sprintf(`{"id":%d,"n":0,"text":"%s"}`, i, strings.Repeat("x", 500)))
	}
	list := strings.Join(items, ",")
	swap := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(list) }
	deep := strings.Repeat("[", value.MaxDepth-3) + strings.Repeat("]", value.MaxDepth-3)
	for name, c := range map[string]struct {
		after string
		new   int // items that are not those of before; -1: the answer is read as a whole
	}{
		"the same":                   {`{"at":1,"list":[` + list + `],"end":0}`, 0},
		"one has changed":            {`{"at":1,"list":[` + swap(`:3,"n":0`, `:3,"n":1`) + `],"end":0}`, 1},
		"others have":                {`{"at":1,"list":[` + swap(`{"id":0,"n":0`, `{"id":0,"n":1`, `19,"n":0`, `19,"n":100`) + `],"end":0}`, 2},
		"the first is gone":          {`{"at":1,"list":[` + swap(items[0]+",", "") + `],"end":0}`, 0},
		"the last is gone":           {`{"at":1,"list":[` + swap(","+items[19], "") + `],"end":0}`, 0},
		"one stands in front":        {`{"at":1,"list":[{"id":99},` + list + `],"end":0}`, 1},
		"one stands at the end":      {`{"at":1,"list":[` + list + `,{"id":99}],"end":0}`, 1},
		"two have moved":             {`{"at":1,"list":[` + swap(items[3], items[7], items[7], items[3]) + `],"end":0}`, 0},
		"one of three has":           {`{"at":1,"list":[` + swap(items[3]+","+items[4]+","+items[5], items[5]+","+items[3]) + `],"end":0}`, 0},
		"white space":                {`{"at":1,"list":[ ` + swap(`},{`, "} ,\n{") + "\t],\"end\":0}", 0},
		"around the list":            {`{"at":1234567,"list":[` + list + `],"end":"true","then":[]}`, 0},
		"as deep as JSON may be":     {`{"at":1,"list":[` + swap(`:3,"n":0`, `:3,"n":`+deep) + `],"end":0}`, 1},
		"deeper than that":           {`{"at":1,"list":[` + swap(`:3,"n":0`, `:3,"n":[`+deep+"]") + `],"end":0}`, -1},
		"a list of that name before": {`{"at":{"list":[` + list + `]},"list":[` + items[0] + `],"end":0}`, -1},
		"another list before it":     {`{"at":1,"list2":[],"list":[` + list + `],"end":0}`, 0},
	} {
		r := NewReader(config(t, "items list; id id; diff items"))
		before, _ := readBoth(t, r, nil, ok(`{"at":1,"list":[`+list+`],"end":0}`))
		now, helped := readBoth(t, r, before, ok(c.after))
		if now == nil && c.new < 0 {
			continue
		}
		fresh := 0
		for _, e := range now.elements {
			if !slices.Contains(before.elements, e) {
				fresh++
			}
		}
		if helped != (c.new >= 0) || helped && fresh != c.new {
			t.Errorf("%s: %d items are new, not %d", name, fresh, c.new)
		}
	}
}

// Each page of a set is read with the help of the same page of the one before.
func TestPagesAreReadWithTheSetBefore(t *testing.T) {
	r := NewReader(config(t, "items list; id id; cursor next; more next; diff items"))
	read := func(before *Set, answers ...string) *Set {
		p, err := r.ReadSet(ok(answers[0]), position.Position{}, before, 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		pages, err := NewPages(r, position.Position{}, p, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for _, answer := range answers[1:] {
			from, _ := pages.Next()
			next, err := r.ReadSet(ok(answer), from, before, pages.Count(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := pages.Add(next); err != nil {
				t.Fatal(err)
			}
		}
		s := pages.Whole().Set
		s.Follow(before)
		return s
	}
	first := `{"list":[{"id":1},{"id":2},{"id":3},{"id":4},{"id":5}],"next":"a"}`
	before := read(nil, first, `{"list":[],"next":"b"}`, `{"list":[{"id":11},{"id":12},{"id":13},{"id":14},{"id":15}]}`)
	now := read(before, first, `{"list":[],"next":"b"}`, `{"list":[{"id":11},{"id":12},{"id":6},{"id":14},{"id":15}]}`)
	var fresh []byte
	for _, e := range now.elements {
		if !slices.Contains(before.elements, e) {
			fresh = append(fresh, e.data...)
		}
	}
	var got []string
	for _, e := range now.Changes(before, nil) {
		got = append(got, e.Type+" "+string(e.Data))
	}
	if want := `removed {"id":13}, added {"id":6}`; string(fresh) != `{"id":6}` || strings.Join(got, ", ") != want {
		t.Errorf("%s is new, and the changes are %q", fresh, got)
	}
	if again := read(now, first, `{"list":[],"next":"b"}`, `{"list":[{"id":11},{"id":12},{"id":13},{"id":14},{"id":15}]}`); again.Key() != before.Key() {
		t.Errorf("the hash is %s, not %s", again.Key(), before.Key())
	}
}

// What is kept of old answers is bounded: from time to time an answer is read as a whole.
func TestSetsDoNotKeepAllAnswers(t *testing.T) {
	r := NewReader(config(t, "items @this; id id; diff items"))
	list := func(n int) Response {
		var out []string
		for i := range 100 {
			out = append(out, fmt.Sprintf(`{"id":%d,"n":%d}`, i, max(0, n-i)/100))
		}
		return ok("[" + strings.Join(out, ",") + "]")
	}
	last, _ := readBoth(t, r, nil, list(0))
	wholes := 0
	for n := range 1000 {
		now, helped := readBoth(t, r, last, list(n))
		if l := now.listings[0]; l.copied > now.size/maxNew {
			t.Fatalf("%d bytes of %d are copies", l.copied, now.size)
		}
		if !helped {
			wholes++
		}
		last = now
	}
	if wholes < 20 || wholes > 60 {
		t.Errorf("%d answers were read as a whole", wholes)
	}
}

func FuzzReread(f *testing.F) {
	for i := range relisted {
		f.Add(i, uint64(i), relisted[i].body)
	}
	f.Fuzz(func(t *testing.T, i int, seed uint64, body string) {
		rereadEdited(t, relisted[uint(i)%uint(len(relisted))].block, body, seed, 4)
	})
}
