package position

import (
	"errors"
	"strings"
	"testing"
	"unsafe"
)

var somePrint = Print{0x66, 0x89, 0x39, 0x4e, 0x43, 0x2a}

func TestIDIsTheCursorAsItCame(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]Position{
		"42":                    {Cursor: Cursor{"42"}},
		"1.10":                  {Cursor: Cursor{"1.10"}},
		"a,b":                   {Cursor: Cursor{"a", "b"}},
		",b":                    {Cursor: Cursor{"", "b"}},
		"a%2Cb,%7E%21%25%20":    {Cursor: Cursor{"a,b", "~!% "}},
		"%00%0D%0A%7F%FF%C3%A9": {Cursor: Cursor{"\x00\r\n\x7f\xff\u00e9"}},
		"/next?a=b&c={}\"<>":    {Cursor: Cursor{"/next?a=b&c={}\"<>"}},
		"42~3." + "Zok5TkMq":    {Cursor: Cursor{"42"}, Done: 3, Print: somePrint},
		"~3.Zok5TkMq":           {Cursor: Cursor{""}, Done: 3, Print: somePrint},
		"e1!42":                 {Epoch: "e1", Cursor: Cursor{"42"}},
		"e%211!42,7~1.AAAAAAAA": {Epoch: "e!1", Cursor: Cursor{"42", "7"}, Done: 1},
		"e1!":                   {Epoch: "e1", Cursor: Cursor{"", ""}},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			id := p.ID()
			if id != want {
				t.Fatalf("the id is %q, want %q", id, want)
			}
			back, err := Parse(id, len(p.Cursor))
			if err != nil || !same(back, p) {
				t.Errorf("it reads back as %+v, %v", back, err)
			}
		})
	}
}

func TestIDOfNowhereIsEmpty(t *testing.T) {
	t.Parallel()
	for _, p := range []Position{{}, {Cursor: Cursor{}}, {Cursor: Cursor{"", ""}}} {
		if id := p.ID(); id != "" || !p.IsZero() {
			t.Errorf("%+v has the id %q, zero: %v", p, id, p.IsZero())
		}
	}
}

func TestLongIDsAreHashedAndOnlyALogPlacesThem(t *testing.T) {
	t.Parallel()
	at := func(c string) Position { return Position{Cursor: Cursor{c}} }
	fits := strings.Repeat("x", MaxID)
	if id := at(fits).ID(); id != fits {
		t.Errorf("an id of %d bytes became %q", MaxID, id)
	}
	long := at(fits + "x").ID()
	if len(long) != 25 || long[0] != '!' {
		t.Errorf("an id of %d bytes became %q, want ! and 24 characters", MaxID+1, long)
	}
	if long != at(fits+"x").ID() || long == at(fits+"y").ID() {
		t.Error("the hash does not stand for the cursor")
	}
	for p, want := range map[*Position]bool{
		{Cursor: Cursor{fits}}: false, {Cursor: Cursor{fits + "x"}}: true, {Cursor: Cursor{strings.Repeat(" ", MaxID/3)}}: false, {Cursor: Cursor{strings.Repeat(" ", MaxID/3+1)}}: true,
		{Epoch: fits, Cursor: Cursor{"1"}}: true, {Epoch: "e", Cursor: Cursor{"1"}}: false, {Cursor: Cursor{fits}, Done: 1}: true, {}: false,
		{Epoch: strings.Repeat("%", MaxID/8), Cursor: Cursor{strings.Repeat("~", MaxID/8), "", strings.Repeat(",", MaxID/8)}}: true,
	} {
		if p.Hashed() != want || want != (len(p.ID()) == 25 && p.ID()[0] == '!') {
			t.Errorf("the id of %d bytes %.30q: hashed %t, want %t", len(p.ID()), p.ID(), p.Hashed(), want)
		}
	}
	// escapes count: the bound is on what is sent
	if id := at(strings.Repeat(" ", MaxID/3+1)).ID(); id[0] != '!' {
		t.Errorf("an escaped id of %d bytes was not hashed", len(id))
	}
	if _, err := Parse(long, 1); !errors.Is(err, ErrHashed) {
		t.Errorf("the error is %v, want ErrHashed", err)
	}
}

func TestParseRefusesWhatIDWouldNotHaveWritten(t *testing.T) {
	t.Parallel()
	for id, cursors := range map[string]int{
		"":                                1,
		"a":                               2,
		"a,b":                             1,
		",":                               2, // a start cursor is written as nothing
		"a%2":                             1,
		"a%zz":                            1,
		"a%2c":                            1, // lower case
		"%61":                             1, // needs no escape
		"a b":                             1,
		"a\x00":                           1,
		"é":                               1,
		"a~b~1.AAAAAAAA":                  1,
		"a~0.AAAAAAAA":                    1,
		"a~-1.AAAAAAAA":                   1,
		"a~+1.AAAAAAAA":                   1,
		"a~01.AAAAAAAA":                   1,
		"a~4294967296.AAAAAAAA":           1,
		"a~1":                             1,
		"a~1.":                            1,
		"a~1.AAAAAAA":                     1,
		"a~1.AAAAAAAAA":                   1,
		"a~1.AAAA\r\nAAAA":                1,
		"a~1.AAAA AAA":                    1,
		"a~1.AAAAAAA=":                    1,
		"a~":                              1,
		"e!a!b":                           1,
		"e%2!a":                           1,
		"!":                               1,
		"!a":                              1,
		strings.Repeat("x", MaxID+1):      1,
		strings.Repeat("x", maxInput+1):   1,
		strings.Repeat(",", maxInput):     maxInput + 1,
		strings.Repeat("%25", maxInput/3): 1,
	} {
		if p, err := Parse(id, cursors); err == nil || p.ID() != "" {
			t.Errorf("Parse(%.40q, %d) = %.40v, %v, want an error", id, cursors, p, err)
		}
	}
}

func TestCursorsAreEqualByTheirValues(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b Cursor
		want bool
	}{
		{nil, nil, true},
		{nil, Cursor{"", ""}, true},
		{Cursor{""}, Cursor{"", ""}, true},
		{Cursor{"a"}, Cursor{"a"}, true},
		{Cursor{"a"}, Cursor{"b"}, false},
		{Cursor{"a"}, nil, false},
		{Cursor{"a", "b"}, Cursor{"b", "a"}, false},
		{Cursor{"1"}, Cursor{"1.0"}, false},
	} {
		if tt.a.Equal(tt.b) != tt.want || tt.b.Equal(tt.a) != tt.want {
			t.Errorf("%q and %q: equal should be %v", tt.a, tt.b, tt.want)
		}
	}
}

func same(a, b Position) bool {
	return a.Epoch == b.Epoch && a.Cursor.Equal(b.Cursor) && a.Done == b.Done && a.Print == b.Print
}

func FuzzPositionSurvivesItsID(f *testing.F) {
	for _, s := range []struct{ epoch, a, b string }{
		{"", "42", ""},
		{"", "", "x"},
		{"1", "", ""},
		{"e!", "a,b", "~1.AAAAAAAA"},
		{"", "\x00\r\n", "\xff\xfe"},
		{"%", "%2C", " "},
		{"", "é", strings.Repeat(",", 700)},
	} {
		f.Add(s.epoch, s.a, s.b, uint16(0), []byte(nil))
		f.Add(s.epoch, s.a, s.b, uint16(3), []byte("item"))
	}
	f.Fuzz(func(t *testing.T, epoch, a, b string, done uint16, item []byte) {
		for _, cursor := range []Cursor{{a}, {a, b}, {a, b, a + b}} {
			p := Position{Epoch: epoch, Cursor: cursor, Done: int(done)}
			if done > 0 {
				p.Print = new(Prints).Next(item)
			}
			id := p.ID()
			if (id == "") != p.IsZero() || len(id) > MaxID {
				t.Fatalf("%+v has the id %q", p, id)
			}
			for i := range len(id) {
				if id[i] <= ' ' || id[i] >= 0x7f {
					t.Fatalf("the id %q has the byte %#x", id, id[i])
				}
			}
			if p.Hashed() != strings.HasPrefix(id, "!") {
				t.Fatalf("the id %q is hashed: %t", id, p.Hashed())
			}
			back, err := Parse(id, len(cursor))
			switch {
			case id == "":
				if err == nil {
					t.Fatal("an empty id was placed")
				}
			case errors.Is(err, ErrHashed):
				if raw := len(epoch) + len(strings.Join(cursor, ",")); 3*raw+32 <= MaxID {
					t.Fatalf("the id of %d bytes was hashed", raw)
				}
			case err != nil:
				t.Fatalf("%+v has the id %q: %v", p, id, err)
			case !same(back, p):
				t.Fatalf("%+v comes back as %+v from %q", p, back, id)
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, id := range []string{
		"", "42", "a,b", "e!a~3.Zok5TkMq", "!hash", "%", "%2C", "~1.AAAAAAAA", "a~01.AAAAAAAA", ",", "e!", "e!,", "\x00", "a%00",
	} {
		f.Add(id, uint8(1))
		f.Add(id, uint8(2))
		f.Add(id, uint8(0))
	}
	f.Fuzz(func(t *testing.T, id string, cursors uint8) {
		p, err := Parse(id, int(cursors))
		if err != nil {
			if !p.IsZero() {
				t.Fatalf("there is a position beside the error: %+v, %v", p, err)
			}
			return
		}
		if got := p.ID(); got != id {
			t.Fatalf("%q is a position with the id %q", id, got)
		}
		if len(p.Cursor) != int(cursors) || p.IsZero() {
			t.Fatalf("%q is %+v, want %d cursors", id, p, cursors)
		}
	})
}

func TestAClonedPositionHoldsNoneOfTheAnswer(t *testing.T) {
	answer := strings.Repeat("x", 1<<10)
	p := Position{Epoch: answer[:3], Cursor: Cursor{answer[3:6], ""}, Done: 2, Print: Print{1}}
	c := p.Clone()
	if c.ID() != p.ID() || unsafe.StringData(c.Epoch) == unsafe.StringData(p.Epoch) || unsafe.StringData(c.Cursor[0]) == unsafe.StringData(p.Cursor[0]) {
		t.Errorf("got %+v of %+v", c, p)
	}
	if (Position{}).Clone().Cursor != nil {
		t.Error("the zero position has a cursor now")
	}
}
