package e2e

import (
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// A page that is shorter when it is read again leaves open what of it is new. The next one would tell, but
// a backend that holds polls has none yet.
func TestWhatAPageLeavesOpenDoesNotWaitForAPollThatIsHeld(t *testing.T) {
	var cutAnew atomic.Bool
	addr := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		switch since := r.URL.Query().Get("since"); {
		case since == "":
			io.WriteString(w, `{"rows":[0],"next":"1"}`)
		case since == "1" && cutAnew.Load():
			io.WriteString(w, `{"rows":[8,9,10],"next":"2"}`)
		case since == "1":
			io.WriteString(w, `{"rows":[1,2,3,4,5,6,7,8],"next":"9"}`)
		default:
			<-r.Context().Done()
		}
	})
	s := testsite.Run(t, "{{site}} {\n\tsse_bridge "+addr+" {\n\t\tlong_poll 5m\n\t\titems rows\n\t\tcursor next\n\t\tquery since {sse.cursor}\n\t}\n}")
	first := testsite.Subscribe(t, s.URL+"/?of=1")
	var id string
	for n := range 8 {
		e := first.Next()
		if id = e.ID; e.Data != strconv.Itoa(n) {
			t.Fatalf("got %+v, want %d", e, n)
		}
	}
	first.Close()
	cutAnew.Store(true)
	again := testsite.Subscribe(t, s.URL+"/?of=2", "Last-Event-ID", id)
	again.Want("8", "9", "10")
}
