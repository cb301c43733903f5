package room

// Story is what a lesson's log tells: the state that its lines add up to.
type Story struct {
	Status    Status
	Outcome   Outcome
	StartedAt Time
	Deadline  Time
	Seated    map[string]bool
	Waiting   map[string]bool
	Streams   map[string]Kind
}

// Fold adds up the lines of a log, from its first one.
func Fold(lines []Line) Story {
	f := newFolder()
	for _, line := range lines {
		f.line(line)
	}
	return f.Story
}

type folder struct {
	Story
	clock Lesson // only what the deadline rests on
}

func newFolder() *folder {
	return &folder{Story: Story{
		Status: Open, Seated: map[string]bool{}, Waiting: map[string]bool{}, Streams: map[string]Kind{},
	}}
}

func (f *folder) line(line Line) {
	f.apply(line)
	f.Deadline = f.clock.Deadline()
}

func (f *folder) apply(line Line) {
	switch line.Action {
	case DidPolicy:
		f.policy(line)
	case DidSeat:
		delete(f.Waiting, line.Connection)
		f.Seated[line.Connection] = true
	case DidWait:
		f.Waiting[line.Connection] = true
	case DidRepair:
		f.repair(line)
	case DidLeave, DidRefuse, DidDisconnect:
		f.gone(line.Connection)
	case DidNothing:
		f.stream(line)
		if line.Stream == "" {
			delete(f.Waiting, line.Connection) // counted for attendance alone
		}
	default:
		f.time(line)
	}
}

func (f *folder) policy(line Line) {
	policy := StoredPolicy(line.Note)
	f.clock.Policy = policy
	if len(f.clock.Rules) > 0 {
		f.clock.addRule(line.At)
		return
	}
	f.clock.Rules = []Rule{{Quorum: policy.Quorum(), Seconds: policy.LessonSeconds()}}
}

func (f *folder) repair(line Line) {
	if line.Note == shownAgain {
		f.Waiting[line.Connection] = true
		return
	}
	f.gone(line.Connection)
}

func (f *folder) gone(id string) {
	delete(f.Seated, id)
	delete(f.Waiting, id)
}

func (f *folder) stream(line Line) {
	switch line.Event {
	case StreamCreated:
		f.Streams[line.Stream] = Kind(line.Note)
	case StreamDestroyed:
		delete(f.Streams, line.Stream)
	}
}

// time follows the clock: start, reset, extend, end.
func (f *folder) time(line Line) {
	switch line.Action {
	case DidStart:
		f.Status, f.StartedAt = Running, line.EventAt
	case DidReset:
		f.Status, f.StartedAt = Open, 0
	case DidExtend:
		f.extend(line)
	case DidEnd:
		f.Status, f.Outcome = Ended, Completed
		if line.Event == FromAPI {
			f.Outcome = ByAdmin
		}
	}
	f.clock.Status, f.clock.StartedAt = f.Status, f.StartedAt
}

func (f *folder) extend(line Line) {
	switch by := line.EventAt - f.clock.Deadline(); {
	case line.Note == toMoment:
		f.clock.FixedEnd = line.EventAt
	case f.clock.FixedEnd != 0:
		f.clock.FixedEnd += by
	default:
		f.clock.Extended += by
	}
}

// Told gives the state as a log that is up to date tells it: who was heard of
// and whose line is still to be written is left out.
func (l *Lesson) Told() Story {
	s := Story{
		Status: l.Status, Outcome: l.Outcome, StartedAt: l.StartedAt, Deadline: l.Deadline(),
		Seated: map[string]bool{}, Waiting: map[string]bool{}, Streams: map[string]Kind{},
	}
	for id, c := range l.Conns {
		switch {
		case c.seated():
			s.Seated[id] = true
		case c.LeftAt == 0 && c.State == Waiting && !c.Untold:
			s.Waiting[id] = true
		}
		for stream, what := range c.Streams {
			if what.Made && !what.Gone {
				s.Streams[stream] = what.Kind
			}
		}
	}
	return s
}
