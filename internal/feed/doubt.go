package feed

// placeTries is how many polls may fail before a chain finds out whether it is its
// position that the upstream cannot answer.
const placeTries = 3

// doubt is what keeps a chain's position from meaning something for certain.
type doubt uint8

const none doubt = 0

const (
	// owed: the upstream was away, and may have started over. The chain checks that before it goes on.
	owed doubt = 1 << iota
	// unsure: the check has told nothing. There may be more to tell by the next news, or, of a document,
	// once the upstream is there.
	unsure
	// asking: polls from a position fail. The next poll is a newcomer's: is it the position?
	asking
	// certain: a newcomer's poll was answered. Another refusal from the position, or several failures,
	// confirm that only the position is at fault: the upstream may have recovered just between the two.
	certain
)

// blame is what a chain is asking or certain about: the poll that failed, and how.
type blame struct {
	asked question
	tries int32 // failures of that kind that are still to come, until it is the position's fault
	kind  string
}

// blameFor returns the blame for a failure. A refusal is of what was asked. All else happens to any poll,
// as long as a backend has just come back.
func blameFor(asked question, f failure) blame {
	b := blame{asked, placeTries, f.kind}
	if f.refusal != nil || asked != onward {
		b.tries = 1
	}
	return b
}

// outside is what a chain's doubts depend on beside its own polls.
type outside struct {
	failures   int  // polls of the chain running that brought nothing to read
	open       bool // the circuit is: polls of the feed fail
	spoken     bool // a refused question was followed by a newcomer's poll at once
	first      bool // the upstream has not answered any poll yet
	disputable bool // it may be only the chain's position that a refusal is for
}

// remedy is what a chain does about a poll that failed.
type remedy int

const (
	inTurn   remedy = iota // for its turn
	backsOff               // for its own failures
	asks                   // at once
	skips                  // what it has asked, and asks on
	restarts               // as its position means nothing to the upstream
)

// suspicion is whether polls fail only because of the position that they are made from.
type suspicion struct {
	progress *progress
	blame    blame
	doubt    doubt
	asked    question // by the last poll
	misses   int      // polls running from the position, without the questions, that brought nothing to read
}

func (s *suspicion) is(d doubt) bool { return s.doubt&d != 0 }

// suspect takes note of a poll that failed.
func (s *suspicion) suspect(f failure, o outside) remedy {
	same, vain := s.confirms(f), s.vain(o)
	if same {
		s.blame.tries--
	}
	confirmed := same && s.blame.tries <= 0
	if s.doubt &^= certain; same && !confirmed {
		s.doubt |= certain
	}
	switch {
	case same && !confirmed:
		return backsOff
	case confirmed && s.asked == onward:
		return restarts
	case confirmed, vain:
		return skips
	case s.is(asking):
		if f.refusal == nil || !o.open || o.failures%placeTries == 0 {
			s.doubt &^= asking // it may be only newcomers that get no answer
		}
	case s.misplaced(f, o):
		s.doubt |= asking
		s.blame = blameFor(s.asked, f)
		if f.refusal != nil {
			return asks
		}
	}
	return inTurn
}

// blamesID reports whether the chain's last poll was from a position. One that counts messages without a
// cursor asks for nothing that a newcomer's poll does not, nor does any where answers hold only what is new, or where
// the upstream forgets and polls send no cursor.
func (s *suspicion) blamesID() bool {
	at, config := s.progress.at, s.progress.config
	if config.Once || config.Forgetful && config.Unsent || config.counts(at) && at.Cursor.IsZero() {
		return false
	}
	return !at.IsZero() && s.asked != anew
}

// confirms reports whether a failure is the one that a newcomer's poll has not met. Any other says
// nothing of the position.
func (s *suspicion) confirms(f failure) bool {
	return s.is(certain) && s.blame.asked == s.asked && s.blame.kind == f.kind
}

// vain reports whether a question that failed is one that a newcomer's poll has no answer to, while the
// upstream may well answer those from the position: only such a poll can tell.
func (s *suspicion) vain(o outside) bool {
	return s.asked == anew && s.is(owed) && !s.is(asking) && (!o.open || o.failures%placeTries == 0)
}

// misplaced reports whether it is time to ask if only the position is at fault. One that has
// been answered before is doubted only where the upstream refuses it; and at once where that
// would end all streams if it were not for the position, or where only a check depends on it.
func (s *suspicion) misplaced(f failure, o outside) bool {
	switch refused := f.refusal != nil; {
	case !s.blamesID():
		return false
	case s.asked != onward && f.unanswered(): // hardly for what it asks
		return o.failures%(3*placeTries) == 0
	case s.asked != onward:
		return refused || o.failures%placeTries == 0
	case !s.progress.placed && refused && o.first:
		return true
	case refused && final(f.refusal.Status) && o.disputable:
		return true
	case s.progress.placed && !refused:
		return false
	}
	return s.misses%placeTries == 0
}

// disputes reports whether it may be the position that the last poll was refused for, or what a check
// asks beside it.
func (s *suspicion) disputes(o outside) bool {
	if s.asked != onward {
		return !s.is(asking)
	}
	return s.blamesID() && (s.is(certain) || o.first || o.disputable)
}

// unsettled reports whether it may be only the position that the upstream does not answer, and what
// follows at once finds that out or goes on without it, so that nobody is told that the upstream is down.
func (s *suspicion) unsettled(f failure, o outside) bool {
	switch {
	case s.confirms(f) || s.vain(o):
		return true
	case f.refusal == nil || s.is(asking|certain) || !s.blamesID():
		return false
	case s.asked != onward: // an upstream may forget what is before the position
		return !o.spoken
	}
	return !o.open && !s.progress.placed && (o.first || final(f.refusal.Status))
}
