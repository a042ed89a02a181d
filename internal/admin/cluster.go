package admin

import (
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/cluster"
	"github.com/sse-bridge/caddy-sse-bridge/internal/membership"
)

// reportedCluster is the state of the cluster, as this node sees it.
type reportedCluster struct {
	Up        bool           `json:"up"`
	Since     time.Time      `json:"since"`
	ID        string         `json:"id"`
	Name      string         `json:"name"`
	Nodes     []reportedNode `json:"nodes"`
	Takeovers int64          `json:"takeovers"`
	Dropped   int64          `json:"dropped"`
}

// reportedNode is another node.
type reportedNode struct {
	ID      string  `json:"id"`
	Name    string  `json:"name"`
	Version string  `json:"version"`
	Heard   float64 `json:"heard_seconds_ago"`
	Differs string  `json:"differs,omitempty"`
}

// currentCluster returns the state of the cluster at a time; nil if there is none.
func currentCluster(now time.Time) *reportedCluster {
	member := membership.Current()
	if member == nil {
		return nil
	}
	return newCluster(member.Status(), now)
}

func newCluster(s cluster.Status, now time.Time) *reportedCluster {
	r := &reportedCluster{
		Up: s.Up, Since: s.Since.UTC(), ID: s.ID, Name: s.Name, Nodes: make([]reportedNode, 0, len(s.Nodes)),
		Takeovers: s.Takeovers, Dropped: s.Dropped,
	}
	for _, n := range s.Nodes {
		r.Nodes = append(r.Nodes, reportedNode{n.ID, n.Name, n.Version, now.Sub(n.Heard).Seconds(), n.Differs})
	}
	return r
}
