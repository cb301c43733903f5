//go:build verify

package local

import (
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"usher/pkg/api"
	"usher/pkg/dynamo/dynamotest"
	"usher/pkg/journal"
	"usher/pkg/vonage/vonagetest"
)

// storm is people who come and go in one room until stop is closed.
type storm struct {
	*mortal
	name, session string
	dice          *rand.Rand
}

func (s storm) rage(stop <-chan struct{}) {
	users := []string{"ann", "ben", "cem", "dora", "eve"}
	for {
		select {
		case <-stop:
			return
		case <-time.After(time.Duration(s.dice.IntN(30)) * time.Millisecond):
		}
		in := s.platform.Connected(s.session)
		switch roll := s.dice.IntN(10); {
		case roll < 3:
			_, _ = s.platform.ConnectForeign(s.session, `{"user":"`+users[s.dice.IntN(len(users))]+`-elsewhere"}`, "")
		case roll < 6:
			_, _ = s.enter(s.name, users[s.dice.IntN(len(users))])
		case len(in) > 0:
			_ = s.platform.Disconnect(s.session, in[s.dice.IntN(len(in))].ID, vonagetest.ClientDisconnected)
		}
	}
}

// mustNotSay is what no log has: a webhook that was not taken, a failure that
// nobody foresaw. A request of the API may be told to come again.
var mustNotSay = regexp.MustCompile(`path=/session-monitoring status=5\d\d|status=500|panic`)

func TestKilledAgainAndAgain(t *testing.T) {
	local := dynamotest.Start(t)
	for name, vars := range map[string][]string{
		"bolt":     nil,
		"dynamodb": {"AWS_ENDPOINT_URL_DYNAMODB=" + local.URL},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMortal(t, vars...)
			m.start()
			rooms := map[string]string{
				"three": `{"maxSeats":3,"foreignTokens":"accept"}`,
				"one":   `{"maxSeats":1,"foreignTokens":"accept","duplicateUser":"refuse-newer"}`,
				"hall":  `{"foreignTokens":"accept","lessonSeconds":3600}`,
			}
			sessions := m.open(rooms)
			if err := m.platform.SetFaults(vonagetest.Faults{Seed: 1, Repeat: 0.1, Shuffle: 0.3, DelayMS: 400, Parallel: 4}); err != nil {
				t.Fatal(err)
			}
			m.killInStorm(sessions, 12)
			m.untilTaken()
			for name := range sessions {
				m.agree(name)
			}
			for _, lead := range []time.Duration{900 * time.Millisecond, 400 * time.Millisecond, 50 * time.Millisecond} {
				m.endsOnTime("timed-"+lead.String(), lead)
			}
			m.kill()
			if found := mustNotSay.FindString(m.log.String()); found != "" {
				t.Errorf("the program said %q", found)
			}
		})
	}
}

// open puts the rooms and lets somebody in, so that they have sessions.
func (m *mortal) open(rooms map[string]string) (sessions map[string]string) {
	m.t.Helper()
	sessions = map[string]string{}
	for name, policy := range rooms {
		if status := m.admin("PUT", "/v1/rooms/"+name, policy, nil); status != http.StatusCreated {
			m.t.Fatalf("put %s: %d", name, status)
		}
		session, ok := m.enter(name, "first")
		if !ok {
			m.t.Fatalf("nobody gets into %s", name)
		}
		sessions[name] = session
	}
	return sessions
}

// killInStorm kills the program that many times at random moments while people
// come and go, and leaves it running.
func (m *mortal) killInStorm(sessions map[string]string, times int) {
	m.t.Helper()
	stop, dice := make(chan struct{}), rand.New(rand.NewPCG(1, 2))
	var all sync.WaitGroup
	defer all.Wait() // also where a start fails and ends the test
	defer close(stop)
	for name, session := range sessions {
		s := storm{m, name, session, rand.New(rand.NewPCG(dice.Uint64(), 0))}
		all.Go(func() { s.rage(stop) })
	}
	for range times {
		<-time.After(time.Duration(100+dice.IntN(1200)) * time.Millisecond)
		m.kill()
		<-time.After(time.Duration(dice.IntN(300)) * time.Millisecond)
		m.start()
	}
}

// untilTaken waits until every webhook has been taken.
func (m *mortal) untilTaken() {
	m.t.Helper()
	tries := 0
	m.eventually("all webhooks are taken", func() bool {
		all := m.platform.Webhooks()
		tries = 0
		for _, w := range all {
			tries += w.Tries
		}
		return !slices.ContainsFunc(all, func(w vonagetest.Webhook) bool { return w.State != vonagetest.Delivered })
	})
	m.t.Logf("%d webhooks in %d tries", len(m.platform.Webhooks()), tries)
}

// agree holds that the room, the platform and the log say the same, and that
// the log tells of nothing that must not be.
func (m *mortal) agree(name string) {
	m.t.Helper()
	session := *m.view(name).SessionID
	ids := func() (truth, known []string) {
		for _, c := range m.platform.Connected(session) {
			truth = append(truth, c.ID)
		}
		for _, c := range m.view(name).Connections {
			known = append(known, c.ID)
		}
		slices.Sort(truth)
		slices.Sort(known)
		return truth, known
	}
	m.eventually(name+": the room knows who is in, and everybody is decided", func() bool {
		truth, known := ids()
		return slices.Equal(truth, known) && m.view(name).Waiting == 0
	})
	v := m.view(name)
	truth, _ := ids()
	logged := m.readLog(name, capOf(v))
	if limit := capOf(v); v.Seats != len(truth) || len(logged.seated) != len(truth) || limit > 0 && len(truth) > limit {
		m.t.Errorf("%s: %d seats of %d, %d by the log, %d in truth", name, v.Seats, limit, len(logged.seated), len(truth))
	}
	full, _ := m.platform.Session(session)
	for _, c := range full.Gone {
		if c.Reason == vonagetest.ForceDisconnected && !logged.sentAway[c.ID] {
			m.t.Errorf("%s: %s was disconnected, and the log does not say why", name, c.ID)
		}
	}
	for _, id := range truth {
		if logged.sentAway[id] {
			m.t.Errorf("%s: %s was told to go and is still in", name, id)
		}
	}
	m.t.Logf("%s: %d lines, %d were let in, %d sent away, %d are in", name, logged.lines, logged.letIn, len(logged.sentAway), len(truth))
}

func capOf(v api.Room) int { return v.Policy.MaxSeats() }

// tally is the sum of a log.
type tally struct {
	lines, letIn     int
	seated, sentAway map[string]bool
}

// readLog adds up the log: its numbers have no holes, never more are seated
// than the cap, and nobody is decided twice.
func (m *mortal) readLog(name string, limit int) tally {
	m.t.Helper()
	sum := tally{seated: map[string]bool{}, sentAway: map[string]bool{}}
	for i, line := range m.lines(name) {
		sum.lines++
		id := ""
		if line.ConnectionID != nil {
			id = *line.ConnectionID
		}
		if line.Seq != int64(i)+1 {
			m.t.Fatalf("%s: line %d of the log has the number %d", name, i+1, line.Seq)
		}
		switch line.Action {
		case journal.DidSeat:
			if sum.seated[id] || sum.sentAway[id] {
				m.t.Errorf("%s: %s is seated again", name, id)
			}
			sum.seated[id] = true
			sum.letIn++
		case journal.DidRefuse, journal.DidDisconnect:
			if id == "" {
				continue // refused at the door
			}
			if sum.sentAway[id] {
				m.t.Errorf("%s: %s is sent away twice", name, id)
			}
			sum.sentAway[id] = true
			delete(sum.seated, id)
		case journal.DidLeave, journal.DidRepair:
			delete(sum.seated, id)
		}
		if limit > 0 && len(sum.seated) > limit {
			m.t.Errorf("%s: %d are seated after line %d", name, len(sum.seated), line.Seq)
		}
	}
	return sum
}

// endsOnTime kills the program that long before a lesson's deadline and starts
// it at once: the first request to disconnect leaves at the deadline, or at the
// start where that is later. What a slow machine adds is let pass, as long as it
// cannot be the first sweep that ended the lesson, five seconds after the start.
func (m *mortal) endsOnTime(name string, lead time.Duration) {
	m.t.Helper()
	session := m.open(map[string]string{name: `{"lessonSeconds":3}`})[name]
	if _, ok := m.enter(name, "second"); !ok {
		m.t.Fatal("the second one does not get in")
	}
	m.eventually("the lesson runs", func() bool { return m.view(name).EndsAt != nil })
	ends, err := time.Parse(time.RFC3339, *m.view(name).EndsAt)
	if err != nil {
		m.t.Fatal(err)
	}
	<-time.After(time.Until(ends.Add(-lead)))
	m.kill()
	m.start()
	up := time.Now()
	m.eventually("everybody is out", func() bool { return len(m.platform.Connected(session)) == 0 })
	first := time.Time{}
	for _, r := range m.platform.Requests() {
		if r.Method == http.MethodDelete && strings.Contains(r.Path, session) {
			first = time.UnixMilli(r.At)
			break
		}
	}
	latest := ends
	if up.After(ends) {
		latest = up
	}
	if first.Before(ends) || first.After(latest.Add(3*time.Second)) {
		m.t.Errorf("%s: the first request left %v after the deadline, %v after the start", name, first.Sub(ends), first.Sub(up))
	}
	m.t.Logf("killed %v before the deadline, up again %v after the kill: the first request left %v after the deadline", lead, up.Sub(ends)+lead, first.Sub(ends))
}
