package simulation

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"pgregory.net/rapid"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
	"usher/pkg/problem"
)

// strangers are the data of people who come by tokens of somebody else.
var strangers = []string{
	"ann", "bea", "cem", "dan", "eva", "", "{",
	`{"user":"ann","role":"student"}`, `{"user":"fay","role":"student"}`, `{"user":"gus","role":"student"}`,
	`{"user":"hal","role":"teacher"}`, `{"user":"rex","role":"recorder"}`,
}

// banSince is a ban that was asked for, or lifted.
type banSince struct {
	user      string
	at, until epoch.Instant // until 0: for ever; lifted: not at all
}

const lifted epoch.Instant = 1

func (b banSince) holds(at epoch.Instant) bool { return b.until == 0 || at < b.until }

// doors draws the fields of a policy that say who may come in, as what, and what may be
// published.
func (h *history) doors() []string {
	var fields []string
	if rapid.IntRange(0, 2).Draw(h.t, "by role") == 0 {
		fields = append(fields, rapid.SampledFrom([]string{
			`"maxByRole":{"student":1}`, `"maxByRole":{"student":1,"teacher":1}`, `"maxByRole":{"student":2}`, `"maxByRole":{"":1}`,
		}).Draw(h.t, "maxByRole"))
	}
	if rapid.IntRange(0, 2).Draw(h.t, "observed") == 0 {
		fields = append(fields, `"observers":["recorder"]`)
	}
	if rapid.IntRange(0, 4).Draw(h.t, "listed") == 0 {
		fields = append(fields, rapid.SampledFrom([]string{`"allowedUsers":["ann","bea","cem"]`, `"allowedUsers":["ann","dan"]`, `"allowedUsers":[]`}).Draw(h.t, "allowedUsers"))
	}
	if rapid.IntRange(0, 2).Draw(h.t, "published") == 0 {
		fields = append(fields, rapid.SampledFrom([]string{`"publish":{"screen":["teacher"]}`, `"publish":{"camera":[],"custom":["student"]}`}).Draw(h.t, "publish"),
			fmt.Sprintf(`"unpublishGraceSeconds":%d`, rapid.SampledFrom([]int{0, 1, 5, 20}).Draw(h.t, "grace")))
	}
	if rapid.IntRange(0, 3).Draw(h.t, "rejoin") == 0 {
		fields = append(fields, `"rejoinSeconds":40`)
	}
	return fields
}

// times draws the fields of a policy that say when a lesson starts, stands still, is
// warned of its end, and ends.
func (h *history) times(limit int, timed bool) []string {
	var fields []string
	switch rapid.IntRange(0, 5).Draw(h.t, "starts") {
	case 0, 1:
		if limit != 1 {
			fields = append(fields, fmt.Sprintf(`"quorum":%d`, rapid.IntRange(1, 2).Draw(h.t, "quorum")))
		}
	case 2:
		fields = append(fields, `"quorumRoles":{"student":1}`)
	}
	if timed && rapid.Bool().Draw(h.t, "pauses") {
		fields = append(fields, `"clock":"pause"`)
	}
	if rapid.IntRange(0, 4).Draw(h.t, "booked") == 0 {
		fields = append(fields, fmt.Sprintf(`"closesAt":%q`, h.Now().Add(rapid.SampledFrom([]time.Duration{-time.Second, 40 * time.Second, time.Hour}).Draw(h.t, "closes"))))
		timed = true
	}
	if rapid.IntRange(0, 5).Draw(h.t, "later") == 0 {
		fields = append(fields, fmt.Sprintf(`"opensAt":%q`, h.Now().Add(rapid.SampledFrom([]time.Duration{-time.Hour, -2 * time.Second}).Draw(h.t, "opens"))))
	}
	if timed && rapid.IntRange(0, 2).Draw(h.t, "warned") == 0 {
		fields = append(fields, `"warnSeconds":[20,5]`)
	}
	return fields
}

// stop ends a stream, by a webhook or silently.
func (h *history) stop() {
	for _, id := range h.present() {
		for _, s := range h.Platform.Person(id).Streams {
			if s.LeftAt == 0 && rapid.Bool().Draw(h.t, "this one") {
				silently := rapid.IntRange(0, 3).Draw(h.t, "silently") == 0
				h.say("%s stops %s, silently: %t", id, s.ID, silently)
				h.Platform.Stop(id, s.ID, silently)
				return
			}
		}
	}
}

// ban bans a user, or lifts the ban.
func (h *history) ban() {
	ctx, user := context.Background(), rapid.SampledFrom([]string{"ann", "bea", "fay"}).Draw(h.t, "banned")
	var err error
	if rapid.IntRange(0, 2).Draw(h.t, "lift") == 0 {
		err = h.Service.LiftBan(ctx, h.name, user, "admin")
		h.bans = append(h.bans, banSince{user, h.Now(), lifted})
		h.say("the ban of %s is lifted: %v", user, err)
	} else {
		b := lesson.Ban{User: user, Actor: "admin"}
		if rapid.Bool().Draw(h.t, "timed") {
			b.Until = h.Now().Add(30 * time.Second)
		}
		_, err = h.Service.Ban(ctx, h.name, b)
		h.bans = append(h.bans, banSince{user, h.Now(), b.Until})
		h.say("%s is banned until %v: %v", user, b.Until, err)
	}
	var p *problem.Details
	if err != nil && !errors.As(err, &p) {
		h.flunk("ban failed: %v", err)
	}
}

// policyOf is the policy that was in force for the line.
func policyOf(lines []journal.Line, line journal.Line) (p policy.Policy) {
	for _, l := range lines[:line.Seq-1] {
		if l.Action == journal.DidPolicy {
			p = policy.Stored(string(l.Note))
		}
	}
	return p
}

// mayBeBanned reports whether a ban of the user was in force at that moment: one of the
// API, or one that the log says followed a removal. Of what was asked in the same
// millisecond, any may have come first.
func (h *history) mayBeBanned(user string, at epoch.Instant) bool {
	before := banSince{until: lifted}
	for _, b := range h.bans {
		if b.user != user || b.at > at {
			continue
		}
		if b.at == at && before.holds(at) {
			return true
		}
		before = b
	}
	return before.holds(at) || h.removedLately(user, at)
}

// isBanned reports whether a ban of the API is in force now.
func (h *history) isBanned(user string) bool {
	last := banSince{until: lifted}
	for _, b := range h.bans {
		if b.user == user {
			last = b
		}
	}
	return last.holds(h.Now())
}

func (h *history) removedLately(user string, at epoch.Instant) bool {
	for _, session := range h.sessions() {
		_, lines, err := h.Log(session)
		if err != nil {
			continue
		}
		for _, line := range lines {
			if line.Action == journal.DidBan && line.User == user && line.At <= at && at < line.EventAt {
				return true
			}
		}
	}
	return false
}

// judgeDoor holds a decision about who may come in, or what may be published, against the
// truth.
func (h *history) judgeDoor(lines []journal.Line, line journal.Line) {
	p := policyOf(lines, line)
	switch {
	case line.Reason == journal.NotAllowed && p.Admits(line.User):
		h.flunk("%q was not allowed in at %s, by %s", line.User, clocked(line.At), p)
	case line.Reason == journal.Removed && line.Action != journal.DidBan && !h.mayBeBanned(line.User, line.At):
		h.flunk("%q was kept out at %s without a ban", line.User, clocked(line.At))
	case strings.HasSuffix(string(line.Reason), "-not-allowed") && line.Action == journal.DidDisconnect:
		h.judgeStream(lines, line, p)
	}
}

// judgeAdmission: nobody is given credentials now who is banned or not on the list.
func (h *history) judgeAdmission(user string) {
	if h.isBanned(user) {
		h.flunk("%s is banned and was given credentials", user)
	}
	if p := h.ruled[len(h.ruled)-1]; !p.Admits(user) {
		h.flunk("%s is on no list and was given credentials, by %s", user, p)
	}
}

// judgeStream: nobody is sent away for a stream that is allowed, or that stopped before
// the end of the grace where there is one.
func (h *history) judgeStream(lines []journal.Line, line journal.Line, p policy.Policy) {
	asked := 0
	for _, l := range lines[:line.Seq-1] {
		if l.Action == journal.DidAskAway && l.At.Add(time.Minute) > line.At {
			asked++
		}
	}
	q := h.Platform.Person(line.Connection)
	for _, s := range q.Streams {
		if s.ID != line.Stream {
			continue
		}
		ended := s.endedAt(q)
		if p.MayPublish(line.Role, s.Kind) || asked < 2 && p.UnpublishGrace() > 0 && ended != 0 && ended.Add(maxLag) <= line.At {
			h.flunk("%s was sent away at %s for %s, a %s that ended at %v, by %s", q.ID, clocked(line.At), s.ID, s.Kind, ended, p)
		}
	}
}

// checkRoles: no committed state has more seats of a role than the largest cap since the
// seats were given.
func (h *history) checkRoles(l lesson.Lesson) {
	for role, gate := range l.Gate().Roles {
		most := gate.Limit
		for _, r := range h.ruled {
			if r.SeatsOf(role) == 0 {
				most = gate.Live // the role was without a cap once
			}
			most = max(most, r.SeatsOf(role))
		}
		if gate.Live > most {
			h.flunk("%d seats of %d for %q", gate.Live, most, role)
		}
	}
}

// obeyed holds that nobody is in any more who may not be, as far as the room knows.
func (h *history) obeyed(l lesson.Lesson) {
	if l.Status == journal.Ended {
		return
	}
	for id, c := range l.Conns {
		if !c.In() || c.State == lesson.ListedOnly {
			continue
		}
		if !l.Policy.Admits(c.User) {
			h.flunk("%s = %q is in and not on the list", id, c.User)
		}
		if c.User != "" && h.isBanned(c.User) {
			h.flunk("%s = %q is in and banned", id, c.User)
		}
		for stream, s := range c.Streams {
			if s.Made && !s.Gone && !l.Policy.MayPublish(c.Role, s.Kind) {
				h.flunk("%s publishes %s, a %s, as %q, and nothing comes of it: %+v", id, stream, s.Kind, c.Role, s)
			}
		}
	}
}
