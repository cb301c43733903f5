package simulation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/problem"
	"usher/pkg/room"
)

// The policies of most paths: two seats and a lesson of a minute.
const (
	twoSeats = `{"maxSeats":2,"lessonSeconds":60}`
	oneSeat  = `{"maxSeats":1,"lessonSeconds":60}`
	pausing  = `{"maxSeats":2,"lessonSeconds":60,"clock":"pause"}`
)

// at puts the time, counted from the world's beginning, in the place of %q in the policy.
func at(policy string, d time.Duration) string {
	return fmt.Sprintf(policy, Epoch.Add(d).String())
}

// crashPaths is what the service does.
var crashPaths = slices.Concat(roomPaths, doorPaths)

var roomPaths = []crashPath{
	// Webhooks.
	{name: "an arrival by add", policy: `{"quorum":3}`, writes: "Add", act: func(c *crash) { c.come("A", "ann") }},
	{
		name: "an arrival under a promise", policy: oneSeat, own: true, writes: "Swap",
		setup: func(c *crash) { c.token("ann") },
		act:   func(c *crash) { c.come("A", c.tokens["ann"]) },
	},
	{
		name: "a reload takes over the seat", policy: twoSeats, own: true, writes: "Swap",
		setup: func(c *crash) { c.come("A", c.token("ann")); c.Pass(time.Second); c.token("ann") },
		act:   func(c *crash) { c.come("A2", c.tokens["ann"]) },
	},
	{
		name: "waiting, the claim and the seat of a ghost", policy: `{"maxSeats":1,"lessonSeconds":150}`, writes: "Swap",
		setup: func(c *crash) { c.come("A", "ann"); c.silence("A"); c.Platform.Vanish("A") },
		act:   func(c *crash) { c.come("B", "bob"); c.Pass(8 * time.Second) },
		lawful: mayDiffer(inOrder, said(1, "connectionCreated", "B", "bob", journal.DidWait, ""),
			said(1, "connectionCreated", "B", "bob", journal.DidSeat, ""), said(1, "reconcile", "B", "bob", journal.DidSeat, "")),
	},
	{name: "a refusal", policy: twoSeats, writes: "Swap", setup: pair, act: func(c *crash) { c.come("C", "cem") }},
	{
		name: "a refusal that the platform does not take at once", policy: twoSeats, writes: "Swap",
		setup: func(c *crash) { pair(c); c.failTwice() },
		act:   func(c *crash) { c.come("C", "cem"); c.Pass(5 * time.Second) },
	},
	{
		name: "a displacement", policy: twoSeats, writes: "Swap",
		setup: func(c *crash) {
			c.come("A", "ann")
			c.Pass(time.Second)
			c.hold("B", "bob")
			c.Pass(time.Second)
			c.come("C", "cem")
			c.Pass(time.Second)
		},
		act: func(c *crash) { c.release() },
	},
	{
		name: "the backend is told", policy: twoSeats, told: true, writes: "Swap",
		act: func(c *crash) { pair(c); c.leave("A"); c.Pass(time.Minute) },
	},
	{name: "a departure", policy: twoSeats, writes: "Swap", setup: pair, act: func(c *crash) { c.leave("A") }},
	{name: "a departure that makes no room", policy: `{"lessonSeconds":60}`, writes: "Leave", setup: pair, act: func(c *crash) { c.leave("A") }},
	{
		name: "a departure that overtakes its arrival", policy: twoSeats, writes: "Swap",
		setup: func(c *crash) { c.hold("A", "ann"); c.Pass(time.Second) },
		act:   func(c *crash) { c.leave("A"); c.release() },
		lawful: mayDiffer(inOrder, said(1, "connectionCreated", "A", "ann", journal.DidNothing, ""), said(1, "connectionDestroyed", "A", "", journal.DidLeave, ""),
			said(1, "connectionCreated", "A", "ann", journal.DidSeat, ""), said(1, "connectionDestroyed", "A", "ann", journal.DidLeave, "")),
	},
	{
		name: "a stream", policy: twoSeats, writes: "Swap", setup: pair,
		act: func(c *crash) { c.publish("A", "S") },
	},
	{
		name: "an unknown event", policy: twoSeats, writes: "Swap", setup: pair,
		act: func(c *crash) {
			c.Send(c.Now(), lesson.Event{Name: "sessionNotification", Session: c.session, At: c.Now(), Digest: "digest"})
			c.Pass(0)
		},
	},
	{
		name: "the start of the clock", policy: twoSeats, writes: "Swap",
		setup: func(c *crash) { c.come("A", "ann"); c.Pass(time.Second) },
		act:   func(c *crash) { c.come("B", "bob") },
	},
	{name: "the end at the deadline", policy: twoSeats, writes: "Swap", setup: pair, act: func(c *crash) { c.Pass(65 * time.Second) }},
	{name: "a pause", policy: pausing, writes: "Swap", setup: pair, act: func(c *crash) { c.leave("A") }},
	{
		name: "the clock counts on", policy: pausing, writes: "Swap",
		setup: apart,
		act:   func(c *crash) { c.come("A2", "ann") },
	},
	{
		name: "a warning", policy: `{"lessonSeconds":60,"warnSeconds":[30]}`, writes: "Swap", setup: pair,
		act:    func(c *crash) { c.Pass(25 * time.Second) },
		lawful: mayDiffer("a moment that passed while nobody could write is not warned of", said(1, "deadline", "", "", journal.DidWarn, "")),
	},
	{
		name: "a lesson that runs as the room closes", policy: at(`{"closesAt":%q}`, time.Minute), writes: "Swap", setup: pair,
		act: func(c *crash) { c.Pass(65 * time.Second) },
	},
	{
		name: "a lesson that stands still as the room closes", policy: at(`{"closesAt":%q,"lessonSeconds":60,"clock":"pause"}`, time.Minute), writes: "Swap",
		setup: apart,
		act:   func(c *crash) { c.Pass(65 * time.Second) },
	},
	{
		name: "a lesson that never started as the room closes", policy: at(`{"closesAt":%q}`, time.Minute), writes: "Swap",
		setup: func(c *crash) { c.come("A", "ann") },
		act:   func(c *crash) { c.Pass(65 * time.Second) },
	},
	{
		name: "a quorum that waits for the room to open", policy: `{"quorum":3,"lessonSeconds":60}`, writes: "Swap",
		setup: func(c *crash) {
			c.come("A", "ann")
			c.come("B", "bob")
			c.put(at(`{"opensAt":%q,"lessonSeconds":60}`, 30*time.Second), "")
		},
		act: func(c *crash) { c.Pass(35 * time.Second) },
	},

	// The API.
	{
		name: "the first join", policy: twoSeats, own: true, writes: "Commit",
		act:    func(c *crash) { c.token("ann") },
		lawful: mayDiffer(twice, said(1, "join", "", "ann", journal.DidPromise, "")),
	},
	{
		name: "another join of the same user", policy: twoSeats, own: true, writes: "Swap",
		setup:  func(c *crash) { c.token("ann") },
		act:    func(c *crash) { c.token("ann") },
		lawful: mayDiffer(twice, said(1, "join", "", "ann", journal.DidPromise, "")),
	},
	{
		name: "a join that is refused", policy: oneSeat, own: true, writes: "Swap",
		setup:  func(c *crash) { c.come("A", c.token("ann")); c.Pass(6 * time.Second) },
		act:    func(c *crash) { c.refusedJoin("bob", problem.RoomFull) },
		lawful: mayDiffer(twice, said(1, "join", "", "bob", journal.DidRefuse, journal.RoomFull)),
	},
	{
		name: "a visit that reopens a demo room", policy: `{"demo":true,"quorum":1,"lessonSeconds":5}`, own: true, writes: "Commit",
		setup: func(c *crash) { c.come("A", c.token("ann")); c.Pass(20 * time.Second) },
		act:   func(c *crash) { c.visit() },
		lawful: mayDiffer("a visitor without a cookie is somebody new",
			said(2, "join", "", "guest-", journal.DidPromise, ""), said(2, "reconcile", "", "guest-", journal.DidRepair, journal.Reconciled)),
	},
	{name: "an end by the API", policy: twoSeats, writes: "Swap", setup: pair, act: func(c *crash) { c.end() }},
	{name: "an end before the first join", policy: twoSeats, own: true, writes: "Commit", act: func(c *crash) { c.end() }},
	{
		name: "an extension by seconds", policy: twoSeats, writes: "Swap", moments: true, setup: pair,
		act:    func(c *crash) { c.extend(30, 0) },
		lawful: mayDiffer(twice, said(1, "api", "", "", journal.DidExtend, journal.Admin)),
	},
	{
		name: "an extension while the clock stands still", policy: pausing, writes: "Swap", moments: true, setup: apart,
		act:    func(c *crash) { c.extend(30, 0); c.come("A2", "ann") },
		lawful: mayDiffer(twice, said(1, "api", "", "", journal.DidExtend, journal.Admin)),
	},
	{
		name: "an extension to a moment", policy: twoSeats, writes: "Swap", setup: pair,
		act: func(c *crash) { c.extend(0, Epoch.Add(90*time.Second)) },
	},
	{
		name: "a deadline brought forward", policy: twoSeats, writes: "Swap", setup: pair,
		act: func(c *crash) { c.extend(0, Epoch.Add(20*time.Second)); c.Pass(25 * time.Second) },
	},
	{name: "a removal", policy: twoSeats, writes: "Swap", setup: pair, act: func(c *crash) { c.remove("A") }},
	{
		name: "a reopening", policy: twoSeats, writes: "Commit",
		setup: func(c *crash) { pair(c); c.end(); c.Pass(10 * time.Second) },
		act:   func(c *crash) { c.reopen() },
	},
	{name: "a new room", policy: twoSeats, own: true, writes: "Commit", setup: func(c *crash) { c.delete() }, act: func(c *crash) { c.put(oneSeat, "") }},
	{
		name: "a policy that starts the clock", moments: true, lawful: mayDiffer(twice, said(1, "api", "", "", journal.DidPolicy, "")), policy: `{"lessonSeconds":60}`, writes: "Commit",
		setup: func(c *crash) { c.come("A", "ann"); c.Pass(time.Second) },
		act:   func(c *crash) { c.put(`{"lessonSeconds":60,"quorum":1}`, "") },
	},
	{
		name: "a policy that seats who waits", lawful: mayDiffer(twice, said(1, "api", "", "", journal.DidPolicy, "")), policy: oneSeat, writes: "Commit",
		setup: func(c *crash) {
			c.come("A", "ann")
			c.silence("A")
			c.Platform.Vanish("A")
			c.come("B", "bob")
		},
		act: func(c *crash) { c.put(twoSeats, "") },
	},
	{
		name: "the adoption of a session", lawful: mayDiffer(twice, said(1, "api", "", "", journal.DidPolicy, "")), policy: twoSeats, own: true, writes: "Commit",
		act: func(c *crash) { c.session = "1_" + c.name; c.put(twoSeats, c.session); c.come("A", "ann") },
	},
	{
		name: "the adoption of another session", lawful: mayDiffer(twice, said(2, "api", "", "", journal.DidPolicy, "")), policy: twoSeats, writes: "Commit",
		act: func(c *crash) { c.put(twoSeats, "1_"+c.name+"-other") },
	},
	{name: "a deletion", swept: true, policy: twoSeats, writes: "Commit", setup: pair, act: func(c *crash) { c.delete(); c.Pass(5 * time.Second) }},

	// Readings of the list, and what is found without a webhook.
	{
		name: "a ghost is freed", policy: `{"maxSeats":2}`, writes: "Swap",
		setup: func(c *crash) { pair(c); c.Pass(time.Minute); c.silence("A"); c.Platform.Vanish("A") },
		act:   func(c *crash) { c.Pass(90 * time.Second) },
	},
	{
		name: "somebody unheard of is judged", policy: `{"foreignTokens":"refuse"}`, writes: "Swap",
		setup: func(c *crash) {
			c.silence("X")
			c.come("X", "xan")
			c.Pass(time.Second)
			c.lost = nil
		},
		act: func(c *crash) { c.Pass(4 * time.Minute) },
	},
	{
		name: "a promise lapses", policy: oneSeat, own: true, writes: "Swap",
		setup: func(c *crash) { c.token("ann"); c.Pass(time.Minute) },
		act:   func(c *crash) { c.Pass(90 * time.Second) },
	},
	{
		name: "the sweep alone", swept: true, policy: twoSeats, writes: "Swap",
		setup: func(c *crash) { pair(c); c.deaf = true },
		act:   func(c *crash) { c.Pass(3 * time.Minute) },
	},

	// What moves out of the item.
	{
		name: "lines are shed", policy: `{"quorum":64}`, writes: "Shed",
		setup: func(c *crash) { c.crowd(14, 0) },
		act:   func(c *crash) { c.come("A", "ann"); c.come("B", "bob") },
	},
	{
		name: "people who left are shed", policy: `{"maxSeats":64,"quorum":64}`, writes: "Shed",
		setup: func(c *crash) { c.crowd(16, 15) },
		act:   func(c *crash) { c.leave("P15"); c.come("A", "ann") },
	},
	{
		name: "people who are in are shed", policy: `{"quorum":1}`, writes: "Shed",
		setup: func(c *crash) { c.crowd(72, 0) },
		act:   func(c *crash) { c.come("A", "ann"); c.leave("P03") },
	},
}

// hallEnd is the end of a lesson of whose people some stand only in records,
// and whose departures no webhook tells.
var hallEnd = crashPath{
	name: "the end of a hall", policy: `{"quorum":1}`, writes: "Swap",
	setup: func(c *crash) {
		c.crowd(73, 0)
		c.come("A", "ann")
		c.lost = func(e lesson.Event) bool { return e.Name == journal.ConnectionDestroyed }
	},
	act: func(c *crash) { c.end(); c.Pass(3 * time.Second) },
}

// hallEmpties is people who leave a hall, from outside its item and from inside, so many
// that others have to be shed.
var hallEmpties = crashPath{
	name: "people leave a hall", policy: `{"quorum":1}`, writes: "Leave",
	setup: func(c *crash) { c.crowd(90, 0); c.come("A", "ann"); c.Pass(10 * time.Second) },
	act: func(c *crash) {
		for i := range 12 {
			c.leave(fmt.Sprintf("P%02d", 7*i))
		}
	},
}

// pair seats two people, which starts the clock, and lets the list confirm it.
func pair(c *crash) {
	c.come("A", "ann")
	c.Pass(time.Second)
	c.come("B", "bob")
	c.Pass(7 * time.Second)
}

// apart is a pair of whom one has left.
func apart(c *crash) {
	pair(c)
	c.leave("A")
	c.Pass(2 * time.Second)
}

// mayDiffer is what may be said once more or less, and why.
func mayDiffer(why string, these ...string) map[string]string {
	all := map[string]string{}
	for _, line := range these {
		all[line] = why
	}
	return all
}

const (
	twice   = "each request that is granted or refused is one line, and who got no answer asks again"
	inOrder = "the repeated webhook finds the room further on"
)

func (c *crash) token(user string) string {
	c.t.Helper()
	token, code := c.join(user)
	if code != "" {
		c.t.Errorf("join of %s: %s", user, code)
	}
	c.tokens[user] = token
	return token
}

// tokenAs is token for somebody with a role.
func (c *crash) tokenAs(user, role string) string {
	c.t.Helper()
	token, code := c.joinAs(user, role)
	if code != "" {
		c.t.Errorf("join of %s as %s: %s", user, role, code)
	}
	c.tokens[user] = token
	return token
}

func (c *crash) refusedJoin(user string, want problem.Code) {
	c.t.Helper()
	if _, code := c.join(user); code != want {
		c.t.Errorf("join of %s: %s, want %s", user, code, want)
	}
}

func (c *crash) visit() {
	c.must("", func() error {
		got, _, err := c.Service.Visit(context.Background(), c.name, "")
		if err == nil {
			c.session = got.Session
		}
		return err
	})
}

func (c *crash) end() {
	c.t.Helper()
	c.must("", func() error {
		_, err := c.Service.End(context.Background(), c.name, "admin")
		return err
	})
}

func (c *crash) extend(seconds int, endsAt epoch.Instant) {
	c.t.Helper()
	c.must("", func() error {
		_, err := c.Service.Extend(context.Background(), c.name, seconds, endsAt, "admin")
		return err
	})
}

func (c *crash) remove(id string) {
	c.t.Helper()
	c.must("", func() error { return c.Service.Remove(context.Background(), c.name, id, "admin") })
}

func (c *crash) reopen() {
	c.t.Helper()
	c.must(problem.NotEnded, func() error {
		_, err := c.Service.Reopen(context.Background(), c.name, "admin")
		return err
	})
	r, err := c.Store.Room(context.Background(), c.name)
	if err != nil {
		c.t.Fatal(err)
	}
	c.session = r.Session
}

func (c *crash) delete() {
	c.t.Helper()
	c.must(problem.NoSuchRoom, func() error { return c.Service.DeleteRoom(context.Background(), c.name, "admin") })
}

// hold lets somebody connect whose webhook waits for release.
func (c *crash) hold(id, data string) {
	c.Platform.Notify = c.Hold
	c.come(id, data)
	c.Platform.Notify = c.notify
}

func (c *crash) release() {
	for _, e := range c.Held {
		c.Send(c.Now(), e)
	}
	c.Held = nil
	c.Pass(0)
}

func (c *crash) publish(id, stream string) {
	c.Send(c.Now(), c.Platform.Person(id).Camera(stream, c.Now()))
	c.Pass(0)
}

// failTwice has the platform fail the next two requests to disconnect.
func (c *crash) failTwice() {
	var asked atomic.Int64
	c.disconnects = func() error {
		if asked.Add(1) <= 2 {
			return &room.PlatformError{Operation: "disconnect", Status: 500}
		}
		return nil
	}
}

// crowd lets n people come, one each tenth of a second, of whom the first gone
// leave again. It is decided as by the service, and stored at once.
func (c *crash) crowd(n, gone int) { c.crowdFrom(0, n, gone) }

// crowdFrom is crowd after that many who came before.
func (c *crash) crowdFrom(first, n, gone int) {
	l, err := c.Lesson(c.session)
	if err != nil {
		c.t.Fatal(err)
	}
	for i := range n + gone {
		c.Forward(c.Now().Add(time.Second / 10))
		id, name := fmt.Sprintf("P%02d", first+i%n), journal.ConnectionCreated
		if i < n {
			c.Platform.Enter(c.session, id, strings.ToLower(id), c.Now())
		} else {
			name = journal.ConnectionDestroyed
			c.Platform.Vanish(id)
		}
		e := c.Platform.Person(id).Event(name, c.Now())
		e.Received = c.Now()
		l = lesson.Decide(l, lesson.Webhook{Event: e}, c.Now()).Lesson // a webhook is never refused
	}
	if _, err := c.Store.Swap(context.Background(), l); err != nil {
		c.t.Fatal(err)
	}
	c.Pass(time.Second)
}
