package position

import (
	"reflect"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/wire"
)

func TestAPositionIsTold(t *testing.T) {
	t.Parallel()
	for _, p := range []Position{
		{},
		{Cursor: Cursor{"42"}},
		{Epoch: "e 1", Cursor: Cursor{"", "a,b~!"}},
		{Cursor: Cursor{"x"}, Done: 3, Print: Print{1, 2, 3, 4, 5, 6}},
		{Done: 1, Print: Print{6}},
	} {
		s := wire.NewScanner(p.Append(nil))
		if got := Scan(s); s.Err() != nil || !reflect.DeepEqual(got, p) {
			t.Errorf("%+v became %+v: %v", p, got, s.Err())
		}
	}
}

func FuzzScan(f *testing.F) {
	f.Add(Position{Epoch: "e", Cursor: Cursor{"1", "2"}, Done: 9, Print: Print{1}}.Append(nil))
	f.Fuzz(func(t *testing.T, text []byte) {
		s := wire.NewScanner(text)
		p := Scan(s)
		if s.Err() != nil {
			return
		}
		again := wire.NewScanner(p.Append(nil))
		if q := Scan(again); again.Err() != nil || !reflect.DeepEqual(p, q) {
			t.Errorf("%+v became %+v: %v", p, q, again.Err())
		}
	})
}
