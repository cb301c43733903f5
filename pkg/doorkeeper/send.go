package doorkeeper

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"usher/pkg/lesson"
	"usher/pkg/room"
)

// Bounds of the requests to the platform.
const (
	// parallel is how many requests to the platform run at a time.
	parallel = 64
	// lastWord is how long the disconnects of an end wait for its signal.
	lastWord = 300 * time.Millisecond
	// platformPatience is how long one request may take.
	platformPatience = 3 * time.Second
	// lastCall is the time for the requests that a reading of the list demands,
	// however long the reading took.
	lastCall = 1500 * time.Millisecond
)

// disconnect asks the platform to end the connections, in bounded parallel. A
// request that fails is noted in the lesson and tried again; a connection that is
// not asked before the time is up is found by the next reading.
func (s *Service) disconnect(ctx context.Context, session string, ids []string) {
	s.disconnectBy(ctx, session, ids, make(chan struct{}, parallel))
}

// disconnectBy does it as the slots allow.
func (s *Service) disconnectBy(ctx context.Context, session string, ids []string, slots chan struct{}) {
	var all sync.WaitGroup
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
		return math.MaxInt // more than can be stored, so that this one counts
	}
	return l.Conns[id].Tries
}

// send asks the platform to end a connection. It gives nil for a success, else the
// failure.
func (s *Service) send(ctx context.Context, session, id string) *lesson.DisconnectFailed {
	ctx, cancel := context.WithTimeout(ctx, platformPatience)
	defer cancel()
	err := s.platform.Disconnect(ctx, session, id)
	if err == nil {
		s.logDisconnected(ctx, session, id)
		return nil
	}
	gone := errors.Is(err, room.ErrGone)
	var answer *room.PlatformError
	forbidden := errors.As(err, &answer) && answer.Refused()
	switch {
	case forbidden:
		s.set.Log.ErrorContext(ctx, "the platform refuses to disconnect: check the credentials", "alarm", "platform-refuses", "session", session, "connection", id, "status", answer.Status)
	case !gone:
		s.set.Log.WarnContext(ctx, "a request to disconnect failed and will be tried again", "session", session, "connection", id, "error", err)
	}
	return &lesson.DisconnectFailed{Connection: id, Gone: gone, Forbidden: forbidden}
}

// noteOutcome notes the outcome of a request in the lesson, and when to ask again.
func (s *Service) noteOutcome(ctx context.Context, session string, outcome lesson.Input) {
	store, cancel := context.WithTimeout(context.WithoutCancel(ctx), storePatience)
	defer cancel()
	d, err := s.decide(store, session, ask(outcome))
	if err != nil {
		s.set.Log.WarnContext(ctx, "the outcome of a request could not be noted; the list will tell", "session", session, "error", err)
		return
	}
	s.raise(ctx, session, d.Effects.GivenUp)
	s.askToTell(ctx, session, d.Effects)
	if d.Write != lesson.Nothing {
		s.wakeFor(ctx, d.Lesson, d.NextWas)
	}
}

// signal sends data to everyone in the session, or to one connection. Signals are
// courtesy: a lost one changes nothing that Usher enforces, and nobody waits long for
// the last word, or for one to somebody who has to go.
func (s *Service) signal(ctx context.Context, session string, word lesson.Signal) {
	patience := platformPatience
	if word.Last || word.To != "" {
		patience = lastWord
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := s.platform.Signal(ctx, session, word.To, word.Type, word.Data)
	if err != nil && !errors.Is(err, room.ErrGone) {
		s.set.Log.WarnContext(ctx, "a signal was not sent", "type", word.Type, "session", session, "error", err)
	}
}
