// Package chat asks the backend of the demos.
package chat

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Stats is what the backend says of itself.
type Stats struct {
	Said int64 `json:"said"` // how many messages there were
	Open int64 `json:"open"` // how many polls wait
}

// FetchStats asks the backend for its counts.
func FetchStats(ctx context.Context, url string) (stats Stats, err error) {
	ctx, stop := context.WithTimeout(ctx, 5*time.Second)
	defer stop()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return stats, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return stats, fmt.Errorf("asking the backend for its counts: %w", err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&stats); err != nil {
		return stats, fmt.Errorf("reading the backend's counts: %w", err)
	}
	return stats, nil
}
