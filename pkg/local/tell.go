package local

import (
	"context"
	"errors"
	"time"

	"usher/pkg/api"
	"usher/pkg/doorkeeper"
	"usher/pkg/hooks"
	"usher/pkg/room"
	"usher/pkg/timer"
)

// tellParallel is how many lessons are told to the backend at once.
const tellParallel = 16

// telling prepares to tell the owner's backend, apart from the wakes: what is told has
// workers of its own.
func (l *Local) telling() (doorkeeper.Telling, error) {
	slots := make(chan struct{}, tellParallel)
	l.tells = timer.NewLocal(now, func(ctx context.Context, session string) {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
			l.tell(ctx, session)
		case <-ctx.Done():
		}
	})
	t := doorkeeper.Telling{Begin: l.settings.Tells, Ask: l.tells.Wake}
	if e := l.settings.Events; e.URL != "" {
		backend, err := hooks.NewBackend(hooks.BackendOptions{URL: e.URL, Secret: e.Secret, Body: api.Notice, Now: time.Now})
		if err != nil {
			return t, err
		}
		t.Backend = backend
	}
	return t, nil
}

// tell tells what is new in a lesson. While the store is away it is asked for again
// each second.
func (l *Local) tell(ctx context.Context, session string) {
	err := l.service.Tell(ctx, session)
	if errors.Is(err, room.ErrUnavailable) && ctx.Err() == nil {
		_ = l.tells.Wake(ctx, session, now().Add(time.Second)) // unless it is closed
	}
	l.report(ctx, "the backend could not be told and will be again", err)
}
