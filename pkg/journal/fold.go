package journal

import (
	"usher/pkg/epoch"
	"usher/pkg/policy"
)

// Story is what a lesson's log tells: the state that its lines add up to.
type Story struct {
	Status    Status
	Outcome   Outcome
	StartedAt epoch.Instant
	Deadline  epoch.Instant
	Seated    map[string]bool
	Waiting   map[string]bool
	Streams   map[string]policy.Kind
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
	rules   policy.Rules
	run     policy.Run
	stopped map[string]bool // streams whose end was heard of, perhaps before their beginning
}

func newFolder() *folder {
	return &folder{stopped: map[string]bool{}, Story: Story{
		Status: Open, Seated: map[string]bool{}, Waiting: map[string]bool{}, Streams: map[string]policy.Kind{},
	}}
}

func (f *folder) line(line Line) {
	f.apply(line)
	f.Deadline = f.deadline()
}

func (f *folder) deadline() epoch.Instant {
	if f.StartedAt == 0 {
		return 0
	}
	f.run.StartedAt = f.StartedAt
	return f.rules.Deadline(f.run)
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
	p := policy.Stored(string(line.Note))
	if len(f.rules) > 0 {
		f.rules = f.rules.Add(p, line.At, f.StartedAt)
		return
	}
	f.rules = policy.FirstRules(p)
}

func (f *folder) repair(line Line) {
	if line.Note == StreamStopped {
		delete(f.Streams, line.Stream)
		return
	}
	if line.Note == ShownAgain {
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
		if line.Note == NotKept || f.stopped[line.Stream] {
			return
		}
		f.Streams[line.Stream] = policy.Kind(line.Note)
	case StreamDestroyed:
		f.stopped[line.Stream] = true
		delete(f.Streams, line.Stream)
	}
}

// time follows the clock: start, reset, extend, end.
func (f *folder) time(line Line) {
	switch line.Action {
	case DidStart:
		f.Status, f.StartedAt, f.run.Paused, f.run.PausedAt = Running, line.EventAt, 0, 0
	case DidReset:
		f.Status, f.StartedAt = Open, 0
	case DidPause:
		f.Status, f.run.Paused, f.run.PausedAt = Paused, line.Note.Paused(), line.EventAt
	case DidResume:
		f.Status, f.run.Paused, f.run.PausedAt = Running, line.Note.Paused(), 0
	case DidExtend:
		f.extend(line)
	case DidEnd:
		f.Status, f.Outcome = Ended, f.outcome(line)
	}
}

func (f *folder) outcome(end Line) Outcome {
	switch {
	case end.Event == FromAPI:
		return ByAdmin
	case f.StartedAt == 0:
		return NoShow
	}
	return Completed
}

// extend follows an extension: the line of one by seconds says in its note how many.
func (f *folder) extend(line Line) {
	by, said := line.Note.Extension()
	if !said {
		by = line.EventAt.Sub(f.Deadline) // as a line of before says it
	}
	switch {
	case line.Note == ToMoment:
		f.run.Fixed = line.EventAt
	case f.run.Fixed != 0:
		f.run.Fixed = f.run.Fixed.Add(by)
	default:
		f.run.Extended += by
	}
}
