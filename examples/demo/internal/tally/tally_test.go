package tally

import "testing"

func TestAClientsGapsAndRepeatsAreCounted(t *testing.T) {
	t.Parallel()
	var got Tally
	r := &Receiver{Tally: &got}
	for _, id := range []int64{7, 8, 8, 11} {
		r.Take(id)
	}
	if want := (State{Received: 4, Lost: 2, Twice: 1}); got.State() != want {
		t.Errorf("got %+v, want %+v", got.State(), want)
	}
}
