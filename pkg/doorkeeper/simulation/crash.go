package simulation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"usher/pkg/doorkeeper"
	"usher/pkg/epoch"
	"usher/pkg/lesson"
	"usher/pkg/problem"
	"usher/pkg/room"
	"usher/pkg/room/storetest"
)

// TestCrashes walks every path of the service over the store and fails each
// write of it once: before it was applied or after, with the process going on,
// with the store away until the call is over, and with the death of the
// process. A webhook without an answer comes again after 5 s, a request without
// one is repeated after 2 s. Then everything has to stand as if nothing had
// happened: room, platform and log agree, no line is missing or doubled, and
// what was decided is done.
func TestCrashes(t *testing.T, store room.Store) {
	for _, p := range crashPaths {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			p.crashes(t, store)
		})
	}
}

// TestHallEnd does the same with a hall, whose people do not all stand in the lesson's
// item: some leave, and it ends.
func TestHallEnd(t *testing.T, store room.Store) {
	for _, p := range []crashPath{hallEmpties, hallEnd} {
		t.Run(p.name, func(t *testing.T) { p.crashes(t, store) })
	}
}

// crashes walks the path without a fault, and then with each one.
func (p crashPath) crashes(t *testing.T, store room.Store) {
	calm := p.run(t, store, crashAt{})
	want := calm.outcome()
	t.Logf("%d writes: %v", len(calm.writes), calm.writes)
	if !slices.Contains(calm.writes, p.writes) {
		t.Fatalf("the path has no %s; it writes %v", p.writes, calm.writes)
	}
	for _, at := range crashesOf(calm.writes) {
		t.Run(at.String(), func(t *testing.T) {
			c := p.run(t, store, at)
			c.compare(want, c.outcome())
		})
	}
}

// crashPath is something the service does, in a room with that policy.
type crashPath struct {
	name   string
	policy string
	own    bool // the session is Usher's; else it is adopted
	setup  func(*crash)
	act    func(*crash)
	// writes is the kind of write that the path is there for.
	writes string
	// lawful are lines that a fault may bring or take, once, when something is
	// heard later or asked twice, and why that is right.
	lawful map[string]string
	// told: the owner's backend listens, and has to hear everything, in order.
	told bool
	// moments: the lesson's times rest on when Usher was asked.
	moments bool
	// swept: what an outage leaves is found by the sweep alone.
	swept bool
}

// crash is one run of a path.
type crash struct {
	*World
	t           *testing.T
	path        crashPath
	fault       fault
	name        string
	session     string   // the one that people connect to
	adopted     []string // every session that was adopted
	writes      []string // the methods of the path's writes
	repeated    int      // requests that got no answer and were asked again
	tokens      map[string]string
	lost        func(lesson.Event) bool // webhooks that never come
	deaf        bool                    // wakes never come
	disconnects func() error            // what the platform says to a request
}

// ownStore shows the sweep only the sessions of one world, by what their names
// contain, so that many worlds can share a store.
type ownStore struct {
	room.Store
	world string
}

// Due reads past the sessions of other worlds.
func (s ownStore) Due(ctx context.Context, bucket int, before epoch.Instant, limit int) ([]string, error) {
	all, err := s.Store.Due(ctx, bucket, before, 1000)
	own := slices.DeleteFunc(all, func(session string) bool { return !strings.Contains(session, s.world) })
	return own[:min(len(own), limit)], err
}

// crashed counts the runs: the store keeps what earlier ones left.
var crashed atomic.Int64

// run walks the path with one fault, and then lets four minutes go by.
func (p crashPath) run(t *testing.T, store room.Store, at crashAt) *crash {
	name := fmt.Sprintf("crash%06d", crashed.Add(1))
	c := &crash{t: t, path: p, name: name, tokens: map[string]string{}, session: "2_" + name + "-session1"}
	c.World = NewWorld(storetest.Hooked{Under: ownStore{store, name}, Hook: c.fault.hook})
	c.Platform.prefix = name + "-"
	c.Platform.Notify, c.Platform.ListFails, c.Platform.DisconnectFails = c.notify, c.dead, c.disconnectFails
	c.WakeTimes, c.TellTimes, c.Done = c.wakeTimes, c.wakeTimes, c.done
	if p.told {
		c.Listen().Answer = func(room.Notice) error { return c.dead() }
	}
	adopted := ""
	if !p.own {
		c.session = "1_" + name
		adopted = c.session
	}
	c.put(p.policy, adopted)
	if p.setup != nil {
		p.setup(c)
	}
	c.fault.arm(at)
	p.act(c)
	c.writes = c.fault.disarm()
	c.Pass(4 * time.Minute)
	if p.told {
		c.Pass(10 * time.Minute) // who was to ask may have died: the sweep asks
		if err := c.AllTold(c.session); err != nil {
			t.Error(err)
		}
	}
	return c
}

func (c *crash) notify(e lesson.Event) {
	if c.lost == nil || !c.lost(e) {
		c.Send(c.Now(), e)
	}
}

// dead is the answer to a process that is dead: nothing leaves it.
func (c *crash) dead() error {
	if c.fault.ongoing() == dies {
		return ErrAway
	}
	return nil
}

func (c *crash) wakeTimes(_ string, at epoch.Instant) []epoch.Instant {
	if c.deaf || c.dead() != nil {
		return nil
	}
	return []epoch.Instant{at}
}

func (c *crash) disconnectFails(string) error {
	if err := c.dead(); err != nil || c.disconnects == nil {
		return err
	}
	return c.disconnects()
}

// mend ends an outage; a dead process is followed by a new one, which knows
// nothing. It reports whether whoever waited for an answer got none.
func (c *crash) mend() bool {
	if c.fault.mend() != dies {
		return false
	}
	c.Restart()
	c.Forget()
	return true
}

// done mends after each thing that happened. A webhook that was taken and never
// answered, since the process died, comes again.
func (c *crash) done(t Task, err error) {
	if c.mend() && t.Kind == Webhook && err == nil {
		c.Send(c.Now().Add(5*time.Second), t.Event)
	}
}

// ask makes a request of the API, and again until there is an answer.
func (c *crash) ask(request func() error) error {
	for range 5 {
		err := request()
		died := c.mend()
		var p *problem.Details
		refused := errors.As(err, &p) && p.Code != problem.PlatformUnavailable
		if !died && (err == nil || refused) {
			c.Pass(0)
			return err
		}
		c.repeated++
		c.Pass(2 * time.Second)
	}
	c.t.Fatal("no answer to five requests")
	return nil
}

// must is ask for what has to succeed, or, asked again, be done already.
func (c *crash) must(done problem.Code, request func() error) {
	c.t.Helper()
	err := c.ask(request)
	var p *problem.Details
	if err != nil && !(c.repeated > 0 && errors.As(err, &p) && p.Code == done) {
		c.t.Errorf("the request failed: %v", err)
	}
}

func (c *crash) put(text, session string) {
	c.t.Helper()
	if session != "" {
		c.adopted = append(c.adopted, session)
	}
	c.must("", func() error { return c.Put(c.name, text, session) })
}

// join gives the token of a user without a role, or the code of the refusal.
func (c *crash) join(user string) (token string, code problem.Code) {
	c.t.Helper()
	return c.joinAs(user, "")
}

func (c *crash) joinAs(user, role string) (token string, code problem.Code) {
	c.t.Helper()
	err := c.ask(func() error {
		got, err := c.Service.Join(context.Background(), c.name, doorkeeper.Applicant{User: user, Role: role})
		token = got.Token
		if err == nil {
			c.session = got.Session
		}
		return err
	})
	var p *problem.Details
	if errors.As(err, &p) {
		code = p.Code
	}
	return token, code
}

// come lets somebody connect, and the webhook arrive at once.
func (c *crash) come(id, data string) {
	c.Platform.Come(c.session, id, data)
	c.Pass(0)
}

func (c *crash) leave(id string) {
	c.Platform.Go(id)
	c.Pass(0)
}

// silence loses the webhooks about the connection.
func (c *crash) silence(id string) {
	c.lost = func(e lesson.Event) bool { return e.Connection == id }
}
