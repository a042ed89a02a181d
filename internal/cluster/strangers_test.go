package cluster

import "testing"

// Somebody who has access to the bus may say what they like of nodes. That must not fill the log.
func TestNodesThatComeAndGoAllTheTimeAreNotLoggedEachTime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSite(t, 1, &upstream{items: 5})
		defer s.close()
		forged := nodes{self: Node{Name: "forged", Version: "v1"}}
		for i := range 3000 {
			id := nodeID{1, 2, byte(i >> 8), byte(i)}
			if i%3 > 0 {
				id = nodeID{1}
			}
			s.members[0].hear(forged.sign(id, []byte{signSelf, signLife, signBye}[i%3]))
		}
		pass(2 * lost)
		if n := s.logs.Len(); n > 100 {
			t.Errorf("%d lines are logged", n)
		}
	})
}
