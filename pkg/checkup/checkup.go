// Package checkup looks whether what a deployment rests on works: Vonage takes the
// credentials, callbacks come, the sweep runs, no queue holds what nobody hears. Each
// finding says what was seen, and what to do about it.
//
// It is trusted to change nothing that a lesson rests on: it makes a session of its
// own at Vonage, with nobody in it, and leaves it. Begin with Checkup.Run.
package checkup

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/room"
)

// Finding is what one check saw.
type Finding struct {
	Name string
	OK   bool
	// Detail says what was seen and, where it is not well, what to do.
	Detail string
}

// Checkup are the checks that are made, in the order of their findings.
type Checkup []func(context.Context) []Finding

// patience bounds each check.
const patience = 8 * time.Second

// Run makes all checks at once.
func (c Checkup) Run(ctx context.Context) []Finding {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	found := make([][]Finding, len(c))
	var all sync.WaitGroup
	for i, check := range c {
		all.Go(func() { found[i] = check(ctx) })
	}
	all.Wait()
	var flat []Finding
	for _, f := range found {
		flat = append(flat, f...)
	}
	return flat
}

// Connections that are made up are called so: an id of Vonage's is a UUID, and one that is
// not is 400 there. In this one "usherd" stands in hexadecimal.
const (
	madeUp = "75736865-7264-4"
	nobody = madeUp + "000-8000-000000000000"
)

// MadeUp gives the id of a connection that there is not, out of 15 hexadecimal digits.
func MadeUp(digits string) string {
	return madeUp + digits[:3] + "-8" + digits[3:6] + "-" + digits[6:15] + "000"
}

// IsMadeUp reports whether a connection's id is one of MadeUp.
func IsMadeUp(connection string) bool { return strings.HasPrefix(connection, madeUp) }

// Vonage makes a session, reads its list, and disconnects nobody.
func Vonage(p room.Platform) func(context.Context) []Finding {
	return func(ctx context.Context) []Finding {
		session, err := p.CreateSession(ctx, false)
		if err != nil {
			return []Finding{{"vonage-session", false, "Vonage made no session: " + because(err)}}
		}
		found := []Finding{{"vonage-session", true, "Vonage takes the credentials and made a session."}}
		if _, err := p.Connections(ctx, session); err != nil {
			found = append(found, Finding{"vonage-list", false, "Vonage does not show who is in a session: " + because(err)})
		} else {
			found = append(found, Finding{"vonage-list", true, "Vonage shows who is in a session."})
		}
		if err := p.Disconnect(ctx, session, nobody); err != nil && !errors.Is(err, room.ErrGone) {
			found = append(found, Finding{"vonage-disconnect", false, "Vonage would not disconnect anybody: " + because(err)})
		} else {
			found = append(found, Finding{"vonage-disconnect", true, "Vonage takes requests to disconnect."})
		}
		return found
	}
}

// because says in words why the platform did not do it. What else an error says
// may be from inside.
func because(err error) string {
	var answer *room.PlatformError
	switch {
	case errors.As(err, &answer) && answer.Refused():
		return fmt.Sprintf("it answered %d. The key or the application's id is wrong, or does not belong together: set both anew.", answer.Status)
	case errors.As(err, &answer):
		return fmt.Sprintf("it answered %d. Try again in a minute; look at its status page.", answer.Status)
	}
	return "it did not answer in time. Look whether the address in VONAGE_VIDEO_URL, or the network, is right."
}

// The marks that a checkup looks at.
const (
	CallbackMark = "callback"
	SweepMark    = "sweep"
)

// sweptWithin is how old the mark of the last sweep may be. It runs each minute, and takes
// less than one.
const sweptWithin = 2 * time.Minute

// Marks says when the last callback came and when the sweep ran.
func Marks(m room.Marks, now func() epoch.Instant) func(context.Context) []Finding {
	return func(ctx context.Context) []Finding {
		marks, err := m.Marks(ctx)
		if err != nil {
			return []Finding{{"store", false, "The store cannot be read. Look at the logs."}}
		}
		return []Finding{callbacks(marks[CallbackMark]), sweeps(marks[SweepMark], now())}
	}
}

func callbacks(last epoch.Instant) Finding {
	if last == 0 {
		return Finding{"callback", false, "No callback of Vonage's has been heard yet. Set this deployment's /session-monitoring as the session monitoring callback " +
			"at Vonage, with the same signature secret, and connect to a room once."}
	}
	return Finding{"callback", true, "The last callback of Vonage's came at " + last.String() + "."}
}

func sweeps(last, now epoch.Instant) Finding {
	switch {
	case last == 0:
		return Finding{"sweep", false, "The sweep has not run yet. It runs each minute: try again in two, then look at its log."}
	case now.Sub(last) > sweptWithin:
		return Finding{"sweep", false, "The sweep ran last at " + last.String() + ", and should each minute. Look at its log, and whether its schedule is enabled."}
	}
	return Finding{"sweep", true, "The sweep ran at " + last.String() + "."}
}

// Empty looks whether nothing waits where count counts; advice says what to do where
// something does.
func Empty(name, what string, count func(context.Context) (int, error), advice string) func(context.Context) []Finding {
	return func(ctx context.Context) []Finding {
		n, err := count(ctx)
		switch {
		case err != nil:
			return []Finding{{name, false, "It cannot be seen how many " + what + " there are. Look at the logs."}}
		case n > 0:
			return []Finding{{name, false, fmt.Sprintf("There are %s: %d. %s", what, n, advice)}}
		}
		return []Finding{{name, true, "There are no " + what + "."}}
	}
}
