package doorkeeper

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/metric"
	"usher/pkg/room"
)

// One run is bounded, in rounds and in time; the rest of the work has a wake of its
// own.
const (
	maxRounds    = 6
	workPatience = 20 * time.Second
)

// extent is how much of the due work a run does.
type extent int

const (
	pressing   extent = iota // only work that cannot wait: the caller waits for an answer
	everything               // all of it
)

// finish carries out a decision while its caller waits for an answer, and then the
// work that presses. The commit stands in any case: work that fails here, or has no
// time here, is found again in the lesson's state.
func (s *Service) finish(ctx context.Context, d lesson.Decision) {
	quiet, cancel := context.WithTimeout(ctx, s.set.Quiet)
	defer cancel()
	_, err := s.carryOut(quiet, d.Lesson, d.Effects)
	if err == nil {
		err = s.run(quiet, d.Lesson.Session, pressing, d.NextWas)
	}
	if err != nil {
		s.set.Log.WarnContext(ctx, "something is left to be done, and has a wake", "session", d.Lesson.Session, "error", err)
		s.wakeFor(ctx, d.Lesson, d.NextWas)
	}
}

// run is the one loop that says what comes next: it carries out the work that the
// lesson's state demands, one thing after the other, until nothing is due or the
// time is up. Work that it leaves has a wake; asked is the moment for which one was
// asked before.
func (s *Service) run(ctx context.Context, session string, much extent, asked epoch.Instant) error {
	for round := 0; ; round++ {
		l, err := s.latest(ctx, session)
		if err != nil {
			return err
		}
		e := l.Outstanding(s.set.Now())
		over := e.Idle() || much == pressing && !e.Pressing || round == maxRounds || ctx.Err() != nil
		if over {
			s.leaveWake(ctx, l, much, asked)
			return nil
		}
		if len(e.Disconnect) > 0 && len(s.unasked(session, e.Disconnect)) == 0 {
			return nil // the handler that asks them leaves a wake
		}
		elsewhere, err := s.carryOut(ctx, l, e)
		if err != nil {
			return err
		}
		if elsewhere {
			s.leaveWake(ctx, l, much, asked)
			return nil
		}
	}
}

// latest gives the lesson as this process knows it, or loads it, if need be
// after the time is up: work that is left must have its wake.
func (s *Service) latest(ctx context.Context, session string) (lesson.Lesson, error) {
	if ctx.Err() != nil {
		detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), storePatience)
		defer cancel()
		ctx = detached
	}
	l, _, err := s.known(ctx, session, nil)
	return l, err
}

// carryOut carries out the effects, in their order. It reports whether the
// list is being read elsewhere, so that there is nothing to do here for now.
func (s *Service) carryOut(ctx context.Context, l lesson.Lesson, e lesson.Effects) (elsewhere bool, err error) {
	s.act(ctx, l, e)
	switch {
	case e.ReviewOutside:
		return false, s.reviewOutside(ctx, l)
	case len(e.KeepBans) > 0:
		return false, s.keepBans(ctx, l, e.KeepBans)
	case e.ReadStreams:
		return false, s.readStreams(ctx, l.Session)
	case e.Read == lesson.ClaimedReading:
		return false, s.readAndReconcile(ctx, l)
	case e.Read == lesson.DueReading:
		claimed, err := s.claim(ctx, l.Session)
		if err != nil || claimed.Verdict != nil {
			return true, err
		}
		return false, s.readAndReconcile(ctx, claimed.Lesson)
	case e.Wake:
		d, err := s.decide(ctx, l.Session, ask(lesson.Wake{}))
		if err == nil {
			s.act(ctx, d.Lesson, d.Effects)
		}
		return false, err
	}
	return false, nil
}

// act carries out the effects that reach out: alarms, signals, disconnects. The
// disconnects wait for the lesson's last word and for no other signal. Then it moves
// entries that are over out of the lesson's item.
func (s *Service) act(ctx context.Context, l lesson.Lesson, e lesson.Effects) {
	s.raise(ctx, l.Session, e.GivenUp)
	var words sync.WaitGroup
	defer words.Wait()
	words.Go(func() { s.askToTell(ctx, l.Session, e) })
	s.say(ctx, l.Session, e.Signals, &words)
	if e.DismissOutside {
		s.dismissOutside(ctx, l, e.Disconnect)
	} else {
		s.disconnect(ctx, l.Session, e.Disconnect)
	}
	if !e.ShedElsewhere {
		s.shed(ctx, l)
	}
}

// say sends the signals. The last word has been sent, or had its time, when it returns;
// the others are under way: those to everyone in their order, each of those to one
// connection by itself.
func (s *Service) say(ctx context.Context, session string, signals []lesson.Signal, underWay *sync.WaitGroup) {
	var toAll []lesson.Signal
	for _, word := range signals {
		switch {
		case word.Last:
			s.signal(ctx, session, word)
		case word.To != "":
			underWay.Go(func() { s.signal(ctx, session, word) })
		default:
			toAll = append(toAll, word)
		}
	}
	underWay.Go(func() {
		for _, word := range toAll {
			s.signal(ctx, session, word)
		}
	})
}

// raise calls for an operator: these connections stay though they were sent away.
func (s *Service) raise(ctx context.Context, session string, givenUp []string) {
	for _, id := range givenUp {
		s.set.Metrics.Record(metric.GivenUp, "", 1)
		s.set.Log.ErrorContext(ctx, "a connection could not be ended within a day and is given up", "alarm", "given-up", "session", session, "connection", id)
	}
}

// leaveWake places a wake for the next work; after a run of everything also for a
// deadline that comes before the next watch, for after a restart, or where placing
// it failed, it has none.
func (s *Service) leaveWake(ctx context.Context, l lesson.Lesson, much extent, asked epoch.Instant) {
	s.wakeFor(ctx, l, asked)
	if end := l.EndsAt(); much == everything && l.Status != journal.Ended && end <= s.set.Now().Add(lesson.WatchEvery) {
		s.wakeAt(ctx, l.Session, end)
	}
}

// wakeFor places a wake for the next moment at which the lesson has something to
// do, if none was asked for then.
// A deadline was given its own before the commit that set it.
func (s *Service) wakeFor(ctx context.Context, l lesson.Lesson, asked epoch.Instant) {
	now := s.set.Now()
	next := l.Outstanding(now).NextAt
	if placed := next == asked && next > now; !placed && (l.Status == journal.Ended || next != l.EndsAt()) {
		s.wakeAt(ctx, l.Session, next)
	}
}

// wakeAt asks for work in the lesson at that moment, if there is one.
func (s *Service) wakeAt(ctx context.Context, session string, at epoch.Instant) {
	if at == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timerPatience)
	defer cancel()
	if err := s.timer.Wake(ctx, session, at); err != nil {
		s.set.Log.ErrorContext(ctx, "a wake could not be placed; the sweep will find the lesson", "session", session, "error", err)
	}
}

// unasked gives the connections that no handler of this process is disconnecting
// right now.
func (s *Service) unasked(session string, ids []string) []string {
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
		_, busy := s.asking.Load(session + " " + id)
		return busy
	})
}

// shed moves entries that the lesson does not need any more out of its item.
// Failing is no harm: the next decision tries again. It reports whether the lesson
// is worth another look.
func (s *Service) shed(ctx context.Context, l lesson.Lesson) bool {
	if _, ok := l.ToShed(); !ok {
		return false
	}
	unlock, err := s.locks.lock(ctx, l.Session)
	if err != nil {
		return false
	}
	defer unlock()
	return s.shedNow(ctx, l.Session)
}

// shedNow is shed for a caller that has the lesson's turn.
func (s *Service) shedNow(ctx context.Context, session string) bool {
	l, _, err := s.known(ctx, session, nil)
	if err != nil {
		return false
	}
	out, ok := l.ToShed()
	if !ok {
		return false
	}
	stored, err := s.store.Shed(ctx, l, out)
	if err == nil {
		s.lessons.Add(session, stored)
		return true
	}
	s.again(session, err)
	s.set.Log.DebugContext(ctx, "records stay in the lesson for now", "session", session, "error", err)
	var lost *room.Conflict
	return errors.As(err, &lost)
}
