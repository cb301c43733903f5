package simulation

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
	"usher/pkg/problem"
)

// The policies of paths about who may come in, as what, and what may be published.
const (
	banning  = `{"maxSeats":2,"rejoinSeconds":900,"foreignTokens":"accept"}`
	noScreen = `{"maxSeats":2,"publish":{"screen":["teacher"]},"rejoinSeconds":900}`
)

// doorPaths are about lists, roles, observers, bans and streams.
var doorPaths = []crashPath{
	// Bans and removal.
	{
		name: "a ban of somebody who is in", policy: twoSeats, writes: "Commit", setup: pair,
		act:    func(c *crash) { c.ban("ann") },
		lawful: mayDiffer(twice, said(1, "api", "", "ann", journal.DidBan, "")),
	},
	{
		name: "a ban of somebody promised", policy: oneSeat, own: true, writes: "Commit",
		setup: func(c *crash) { c.token("ann") },
		act: func(c *crash) {
			c.ban("ann")
			c.come("A", c.tokens["ann"])
			c.refusedJoin("ann", problem.Removed)
			c.token("bob")
		},
		lawful: mayDiffer(twice, said(1, "api", "", "ann", journal.DidBan, ""), said(1, "join", "", "ann", journal.DidRefuse, journal.Removed),
			said(1, "join", "", "bob", journal.DidPromise, "")),
	},
	{
		name: "a ban that is lifted", policy: twoSeats, writes: "Commit",
		setup:  func(c *crash) { pair(c); c.ban("ann"); c.Pass(10 * time.Second) },
		act:    func(c *crash) { c.lift("ann"); c.come("A2", "ann") },
		lawful: mayDiffer(twice, said(1, "api", "", "ann", journal.DidBan, "")),
	},
	{
		name: "a removal that keeps its user out", policy: banning, writes: "Commit", setup: pair,
		act: func(c *crash) { c.remove("A") },
	},
	{
		name: "a room that is reopened after a removal", policy: banning, writes: "Commit", setup: pair,
		act: func(c *crash) {
			c.remove("A")
			c.end()
			c.reopen()
			c.refusedJoin("ann", problem.Removed)
			c.come("A2", "ann")
			c.come("B2", "bob")
		},
		lawful: mayDiffer(twice, said(2, "join", "", "ann", journal.DidRefuse, journal.Removed)),
	},
	{
		name: "a room that is reopened while a removal is carried out", policy: banning, writes: "Commit",
		setup: func(c *crash) { pair(c); c.remove("A"); c.end() },
		act:   func(c *crash) { c.reopen(); c.come("A2", "ann") },
	},
	{
		name: "a ban between two lessons", policy: banning, writes: "Commit",
		setup: func(c *crash) { pair(c); c.end(); c.Pass(10 * time.Second) },
		act:   func(c *crash) { c.ban("ann"); c.reopen(); c.come("A2", "ann") },
	},

	// Lists, roles and observers.
	{
		name: "a shorter list", policy: `{"allowedUsers":["ann","bob"]}`, writes: "Commit", setup: pair,
		act:    func(c *crash) { c.put(`{"allowedUsers":["bob"]}`, "") },
		lawful: mayDiffer(twice, said(1, "api", "", "", journal.DidPolicy, "")),
	},
	{
		name: "a displacement within a role", policy: `{"maxSeats":9,"maxByRole":{"student":2}}`, writes: "Swap",
		setup: func(c *crash) {
			c.come("A", student("ann"))
			c.Pass(time.Second)
			c.hold("B", student("bob"))
			c.Pass(time.Second)
			c.come("T", `{"user":"tim","role":"teacher"}`)
			c.come("C", student("cem"))
			c.come("U", `{"user":"una","role":"teacher"}`)
			c.Pass(time.Second)
		},
		act: func(c *crash) { c.release() },
	},
	{
		name: "an observer in a full room", policy: `{"maxSeats":1,"observers":["recorder"]}`, own: true, writes: "Swap",
		setup:  func(c *crash) { c.come("A", c.token("ann")); c.Pass(6 * time.Second) },
		act:    func(c *crash) { c.come("R", c.tokenAs("rex", "recorder")); c.refusedJoin("bob", problem.RoomFull) },
		lawful: mayDiffer(twice, said(1, "join", "", "rex", journal.DidPromise, ""), said(1, "join", "", "bob", journal.DidRefuse, journal.RoomFull)),
	},

	// Streams.
	{
		name: "a forbidden stream that stays", policy: noScreen, writes: "Commit", setup: pair,
		act: func(c *crash) {
			c.Platform.Publish("A", "S", policy.Screen)
			c.Pass(8 * time.Second)
		},
	},
	{
		name: "a forbidden stream that stopped unheard", policy: noScreen, writes: "Swap", setup: pair,
		act: func(c *crash) {
			c.Platform.Publish("A", "S", policy.Screen)
			c.Pass(time.Second)
			c.Platform.Stop("A", "S", true)
			c.Pass(20 * time.Second)
		},
	},
	{
		name: "a rule against a stream that is there", policy: `{"maxSeats":2}`, writes: "Commit",
		setup:  func(c *crash) { pair(c); c.Platform.Publish("A", "S", policy.Screen); c.Pass(time.Second) },
		act:    func(c *crash) { c.put(noScreen, ""); c.Pass(8 * time.Second) },
		lawful: mayDiffer(twice, said(1, "api", "", "", journal.DidPolicy, "")),
	},

	// People who do not stand in the lesson's item.
	{
		name: "a ban of somebody outside", policy: `{"quorum":1}`, writes: "Commit", setup: hall,
		act:    func(c *crash) { c.ban("p02"); c.Pass(time.Second) },
		lawful: mayDiffer(twice, said(1, "api", "", "p02", journal.DidBan, "")),
	},
	{
		name: "a list for a hall", policy: `{"quorum":1}`, writes: "Commit", setup: hall,
		act:    func(c *crash) { c.put(hallWithout("p02", "p70"), ""); c.Pass(5 * time.Second) },
		lawful: mayDiffer(twice, said(1, "api", "", "", journal.DidPolicy, "")),
	},
	{
		name: "a rule against the stream of somebody outside", policy: `{"quorum":1}`, writes: "Commit",
		setup: func(c *crash) {
			c.crowd(50, 0)
			c.Platform.Publish("P02", "S", policy.Screen)
			c.Pass(time.Second)
			c.crowdFrom(50, 30, 0)
			c.come("A", "ann")
			c.outside("P02")
		},
		act:    func(c *crash) { c.put(`{"quorum":1,"publish":{"screen":[]}}`, ""); c.Pass(10 * time.Second) },
		lawful: mayDiffer(twice, said(1, "api", "", "", journal.DidPolicy, "")),
	},
}

// hall has more people than stand in the lesson's item.
func hall(c *crash) {
	c.crowd(73, 0)
	c.come("A", "ann")
	c.outside("P02")
}

// hallWithout is a policy with a list of those in the hall but some.
func hallWithout(users ...string) string {
	list := []string{`"ann"`}
	for i := range 73 {
		if user := fmt.Sprintf("p%02d", i); !slices.Contains(users, user) {
			list = append(list, strconv.Quote(user))
		}
	}
	return `{"quorum":1,"allowedUsers":[` + strings.Join(list, ",") + `]}`
}

// outside demands that the connection stands only in its record.
func (c *crash) outside(id string) {
	c.t.Helper()
	l, err := c.Lesson(c.session)
	if err != nil {
		c.t.Fatal(err)
	}
	if _, here := l.Conns[id]; here || l.PresentOutside == 0 {
		c.t.Fatalf("%s stands in the lesson's item, %d do not", id, l.PresentOutside)
	}
}

func (c *crash) ban(user string) {
	c.t.Helper()
	c.must("", func() error {
		_, err := c.Service.Ban(context.Background(), c.name, lesson.Ban{User: user, Actor: "admin"})
		return err
	})
}

func (c *crash) lift(user string) {
	c.t.Helper()
	c.must("", func() error { return c.Service.LiftBan(context.Background(), c.name, user, "admin") })
}

// student is the data of a student who comes by a token of somebody else.
func student(user string) string { return `{"user":"` + user + `","role":"student"}` }
