package doorkeeper

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

// Bounds of what is asked of the platform at once.
const (
	// parallel is how many requests to the platform run at a time.
	parallel = 64
	// lastWord is how long the disconnects of an end wait for its signal.
	lastWord = 300 * time.Millisecond
	// platformPatience is how long one request may take.
	platformPatience = 3 * time.Second
	// lastCall is the time for the requests that a reading of the list demands,
	// whatever the reading took.
	lastCall = 1500 * time.Millisecond
)

// carryOut sends what was decided between the two: signals first, then the
// requests to disconnect.
func (s *Service) carryOut(ctx context.Context, before, after lesson.Lesson) {
	s.lament(before, after)
	if after.Status == journal.Ended && before.Status != journal.Ended {
		s.signalEnd(ctx, after)
	} else if d := after.Deadline(); after.Status == journal.Running && before.Status == journal.Running && d != before.Deadline() &&
		(after.ExtendedMillis != before.ExtendedMillis || after.FixedEnd != before.FixedEnd) {
		s.signalExtended(ctx, after, d)
	}
	var told []string
	for id, c := range after.Conns {
		if c.DisconnectRequested() && c.RetryAt != 0 && !before.Conns[id].DisconnectRequested() {
			told = append(told, id)
		}
	}
	if after.Status == journal.Ended && before.Status != journal.Ended && after.PresentOutside > 0 {
		s.clearHall(ctx, after, told)
		return
	}
	s.disconnect(ctx, after.Session, told)
}

// disconnect asks the platform to end the connections, in bounded parallel. A
// request that fails is noted in the lesson and tried again; who is not asked
// before the time is up is found by the next look.
func (s *Service) disconnect(ctx context.Context, session string, ids []string) {
	var all sync.WaitGroup
	slots := make(chan struct{}, parallel)
	for _, id := range ids {
		if !take(ctx, slots) {
			break
		}
		all.Go(func() {
			s.disconnectOne(ctx, session, id)
			<-slots
		})
	}
	all.Wait()
}

// take waits for a place, and reports whether there is one before the context
// is done.
func take(ctx context.Context, slots chan<- struct{}) bool {
	select {
	case slots <- struct{}{}:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// further is time for the requests that follow from a decision made with the
// last of ctx.
func further(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), lastCall)
}

func (s *Service) disconnectOne(ctx context.Context, session, id string) {
	if _, busy := s.asking.LoadOrStore(session+" "+id, true); busy {
		return // a request is under way, perhaps one that hangs
	}
	defer s.asking.Delete(session + " " + id)
	failed := s.failures(ctx, session, id)
	outcome := s.send(ctx, session, id)
	if outcome == nil {
		s.noteOutcome(ctx, session, lesson.DisconnectSucceeded{Connection: id})
		return
	}
	outcome.After = failed
	s.noteOutcome(ctx, session, *outcome)
}

// failures is how many requests to end the connection are known to have failed.
func (s *Service) failures(ctx context.Context, session, id string) int {
	l, _, err := s.known(ctx, session, nil)
	if err != nil {
		return maxTries // whatever is stored, count this one
	}
	return l.Conns[id].Tries
}

// send asks the platform to end a connection, and says what came of it where
// it did not succeed.
func (s *Service) send(ctx context.Context, session, id string) *lesson.DisconnectFailed {
	ctx, cancel := context.WithTimeout(ctx, platformPatience)
	defer cancel()
	err := s.platform.Disconnect(ctx, session, id)
	if err == nil {
		return nil
	}
	gone := errors.Is(err, room.ErrGone)
	var answer *room.PlatformError
	forbidden := errors.As(err, &answer) && answer.Refused()
	switch {
	case forbidden:
		s.set.Log.Error("the platform refuses to disconnect: check the credentials", "alarm", "platform-refuses", "session", session, "connection", id, "status", answer.Status)
	case !gone:
		s.set.Log.Warn("a request to disconnect failed and will be tried again", "session", session, "connection", id, "error", err)
	}
	return &lesson.DisconnectFailed{Connection: id, Gone: gone, Forbidden: forbidden}
}

// noteOutcome remembers what came of a request, and when to ask again.
func (s *Service) noteOutcome(ctx context.Context, session string, outcome lesson.Input) {
	store, cancel := context.WithTimeout(context.WithoutCancel(ctx), storePatience)
	defer cancel()
	before, after, err := s.decide(store, session, ask(outcome))
	if err != nil {
		s.set.Log.Warn("the outcome of a request could not be noted; the list will tell", "session", session, "error", err)
		return
	}
	s.lament(before, after)
	if after.Revision != before.Revision {
		s.wakeFor(ctx, after)
	}
}

// lament raises an alarm for those who were told to go, are not proven gone,
// and are not asked any more.
func (s *Service) lament(before, after lesson.Lesson) {
	for id, c := range after.Conns {
		if before.Conns[id].RetryAt != 0 && c.RetryAt == 0 && c.DisconnectRequested() && c.LeftAt == 0 {
			s.set.Log.Error("a connection could not be ended within a day and is given up", "alarm", "given-up", "session", after.Session, "connection", id)
		}
	}
}

// signal sends data to everyone in the session. Signals are courtesy: a lost
// one changes nothing that Usher enforces.
func (s *Service) signal(ctx context.Context, session, kind string, fields map[string]any) {
	data, err := json.Marshal(fields)
	if err != nil {
		s.set.Log.Error("a signal could not be written", "kind", kind, "error", err)
		return
	}
	if err := s.platform.Signal(ctx, session, "", kind, data); err != nil && !errors.Is(err, room.ErrGone) {
		s.set.Log.Warn("a signal was not sent", "kind", kind, "session", session, "error", err)
	}
}

// signalEnd says that the lesson is over. The disconnects wait for it, but not
// long.
func (s *Service) signalEnd(ctx context.Context, l lesson.Lesson) {
	if len(l.Conns) == 0 {
		return
	}
	reason := journal.LessonOver
	if l.Outcome == journal.ByAdmin {
		reason = journal.Admin
	}
	word, cancel := context.WithTimeout(ctx, lastWord)
	defer cancel()
	s.signal(word, l.Session, "usher:ended", map[string]any{
		"id": fmt.Sprintf("ended-%d", l.EndedAt), "reason": reason,
	})
}

func (s *Service) signalExtended(ctx context.Context, l lesson.Lesson, deadline epoch.Instant) {
	ctx, cancel := context.WithTimeout(ctx, platformPatience)
	defer cancel()
	s.signal(ctx, l.Session, "usher:extended", map[string]any{
		"id": fmt.Sprintf("extended-%d-%d", deadline, l.Base+int64(len(l.Tail))), "secondsLeft": lesson.SecondsLeft(deadline, s.set.Now()), "endsAt": deadline.String(),
	})
}
