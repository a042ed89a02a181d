package admin

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/sse"
)

// snapshots makes one snapshot for all open status pages.
type snapshots struct {
	mu    sync.Mutex
	at    time.Time
	event []byte
}

// get returns the newest snapshot as an event. The bytes are shared.
func (s *snapshots) get() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); now.Sub(s.at) > every/2 {
		data, err := json.Marshal(survey(shown))
		if err != nil {
			return nil, fmt.Errorf("writing a snapshot: %w", err)
		}
		s.at, s.event = now, sse.AppendEvent(nil, "", data, "")
	}
	return s.event, nil
}
