package clustertest

import "slices"

func away(s *scene) {
	nodes := s.start(2)
	l := nodes[1].listen("feed")
	nodes[0].settle("feed", l)
	s.server.Kill()
	nodes[0].awaitDown()
	s.always("Publish fails at once while the engine is away", prompt, func() bool {
		began := s.clock.Now()
		return nodes[0].Publish("feed", []byte("lost")) != nil && s.clock.Since(began) < prompt
	})
	refused := &listener{}
	if _, err := nodes[1].Subscribe("refused", refused.hear); err == nil {
		s.Errorf("Subscribe has succeeded while the engine was away")
	}
	s.server.Start()
	nodes[0].awaitUp()
	nodes[1].awaitUp()
	nodes[0].settle("feed", l)
	if got := l.heard(); len(got) > 0 {
		s.Errorf("what was published while the engine was away was heard later: %s", short(got))
	}
	again := nodes[1].listen("refused")
	nodes[0].say("refused", "to the second")
	nodes[0].settle("refused", again)
	if got := refused.heard(); len(got) > 0 {
		s.Errorf("Subscribe had failed, and its subscription has heard %s", short(got))
	}
}

func outageIsTold(s *scene) {
	n := s.start(1)[0]
	for outage := 1; outage <= 2; outage++ {
		changed := n.next()
		s.server.Kill()
		n.awaitDown()
		s.eventually("changed is closed when the engine goes away", func() bool { return isClosed(changed) })
		changed = n.next()
		s.always("State is down while the engine is away", 2*prompt, func() bool { return !n.isUp() })
		s.eventually("an outage is warned of", func() bool { return n.warnings.Len() >= outage })
		s.server.Start()
		s.eventually("changed is closed when the engine is back", func() bool { return isClosed(changed) })
		n.awaitUp()
		n.warned(outage)
	}
}

func subscriptionsOutlive(s *scene) {
	nodes := s.start(2)
	stays, ends := nodes[1].listen("stays"), nodes[1].listen("ends")
	nodes[0].settle("stays", stays)
	nodes[0].settle("ends", ends)
	s.server.Kill()
	nodes[0].awaitDown()
	nodes[1].awaitDown()
	_ = ends.Unsubscribe() // an engine may be unable to tell
	s.server.Start()
	nodes[0].awaitUp()
	nodes[1].awaitUp()
	nodes[0].settle("stays", stays)
	nodes[0].say("stays", "after the outage")
	nodes[0].say("ends", "to nobody")
	after := nodes[1].listen("ends")
	nodes[0].settle("stays", stays)
	nodes[0].settle("ends", after)
	if got := stays.heard(); !slices.Equal(got, []string{"after the outage"}) {
		s.Errorf("after an outage, a subscription has heard %s", short(got))
	}
	if got := ends.heard(); len(got) > 0 {
		s.Errorf("a subscription that was ended in an outage has heard %s", short(got))
	}
}

func shortOutage(s *scene) {
	nodes := s.start(2)
	l := nodes[1].listen("feed")
	nodes[0].settle("feed", l)
	changed := nodes[1].next()
	s.server.Kill()
	s.server.Start()
	s.eventually("changed is closed after a reconnect", func() bool { return isClosed(changed) })
	nodes[0].awaitUp()
	nodes[1].awaitUp()
	nodes[0].settle("feed", l)
}

func frozen(s *scene) {
	freezer := s.server.(Freezer)
	nodes := s.start(2)
	l := nodes[1].listen("feed")
	nodes[0].settle("feed", l)
	freezer.Freeze()
	nodes[0].awaitDown()
	nodes[1].awaitDown()
	freezer.Thaw()
	nodes[0].awaitUp()
	nodes[1].awaitUp()
	nodes[0].settle("feed", l)
}

func lateServer(s *scene) {
	n := s.connect()
	changed := n.next()
	s.eventually("an outage is warned of that was there from the start", func() bool { return n.warnings.Len() > 0 })
	s.always("State is down, and Publish fails, while there is no server", prompt, func() bool {
		return !n.isUp() && n.Publish("feed", []byte("lost")) != nil
	})
	if largest := n.Largest(); largest < 1 {
		s.Errorf("Largest is %d while there is no server", largest)
	}
	s.server.Start()
	n.awaitUp()
	s.eventually("changed is closed when the server is there", func() bool { return isClosed(changed) })
	n.warned(1)
	l := n.listen("feed")
	other := s.connect()
	other.awaitUp()
	other.settle("feed", l)
}
