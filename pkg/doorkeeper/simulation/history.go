package simulation

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"pgregory.net/rapid"

	"usher/pkg/doorkeeper"
	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
	"usher/pkg/problem"
	"usher/pkg/room"
)

// history is one random story in a World: people come and go, webhooks are
// lost, repeated, delayed and shuffled, the list lags, fails and is paged,
// policies change, processes die. What is true at every moment is checked after
// every step, and at the end room, platform and log have to agree.
type history struct {
	*World
	t       *rapid.T
	name    string
	session string
	seed    uint64
	born    int // people and streams
	tokens  []string
	ruled   []ruledSince
	bans    []banSince
	judging sync.Mutex // people are sent away at the same time
	said    []string
	checked map[string]int // log lines judged so far, by session
	// misreported are those who were said to have left and had not.
	misreported map[string]bool
}

// ruledSince is a policy and when it came into force.
type ruledSince struct {
	at epoch.Instant
	policy.Policy
}

// histories counts the histories.
var histories atomic.Int64

// Tell runs one random history over the store.
func Tell(t *rapid.T, store room.Store) {
	h := &history{World: NewWorld(store), t: t, checked: map[string]int{}, misreported: map[string]bool{}}
	h.seed = rapid.Uint64().Draw(t, "seed")
	h.name = fmt.Sprintf("room%d", histories.Add(1)) // the store keeps what earlier histories left
	h.Platform.Notify = h.notify
	h.Platform.Skips = func(id string) bool { return h.fate(id, h.Now())%5 == 0 }
	h.WakeTimes = h.wakeTimes
	h.Platform.prefix = h.name + "-"
	if rapid.Bool().Draw(t, "adopted") {
		h.session = "1_" + h.name
	}
	h.Platform.Skew = rapid.SampledFrom([]time.Duration{0, 0, 0, -3 * time.Second, 3 * time.Second}).Draw(t, "skew")
	if rapid.Bool().Draw(t, "told") {
		h.Listen()
		h.TellTimes = h.wakeTimes
	}
	h.put(h.session)
	steps := rapid.IntRange(3, 40).Draw(t, "steps")
	for range steps {
		h.step()
		h.check()
	}
	h.calm()
	h.check()
	h.agree()
	h.checkAttendance()
	h.told()
}

// say notes a step, so that a failing history can be read.
func (h *history) say(format string, args ...any) {
	h.judging.Lock()
	defer h.judging.Unlock()
	h.said = append(h.said, clocked(h.Now())+"  "+fmt.Sprintf(format, args...))
}

func (h *history) step() {
	kinds := []string{"come", "come", "come", "join", "join", "connect", "connect", "leave", "leave", "vanish", "pass", "pass", "pass", "list", "platform", "policy", "admin", "die", "stream", "stream", "stop", "ban", "misreport", "backend"}
	switch rapid.SampledFrom(kinds).Draw(h.t, "step") {
	case "come":
		h.come(rapid.SampledFrom(strangers).Draw(h.t, "who"))
	case "join":
		h.join()
	case "connect":
		if len(h.tokens) > 0 {
			h.come(rapid.SampledFrom(h.tokens).Draw(h.t, "token"))
		}
	case "leave":
		h.leave(false)
	case "vanish":
		h.leave(true)
	case "pass":
		h.pass()
	case "list":
		h.list()
	case "platform":
		h.disconnects()
	case "policy":
		h.put("")
	case "admin":
		h.admin()
	case "die":
		h.say("the process dies")
		h.Restart()
		h.Forget()
	case "stream":
		h.stream()
	case "stop":
		h.stop()
	case "ban":
		h.ban()
	case "misreport":
		h.misreport()
	case "backend":
		h.listen(!rapid.Bool().Draw(h.t, "listens"))
	}
	h.Pass(0)
}

// listen has the owner's backend take what it is told, or not.
func (h *history) listen(away bool) {
	if h.Backend == nil {
		return
	}
	h.say("the backend is away: %t", away)
	h.Backend.Answer = nil
	if away {
		h.Backend.Answer = func(room.Notice) error { return ErrAway }
	}
}

// told holds that the backend was told all, in order, once what was asked for by
// nobody has been found by two sweeps.
func (h *history) told() {
	if h.Backend == nil {
		return
	}
	h.TellTimes = nil
	h.Pass(25 * time.Minute)
	for _, session := range h.sessions() {
		if err := h.AllTold(session); err != nil && !errors.Is(err, room.ErrNoLesson) {
			h.flunk("%v", err)
		}
	}
}

func (h *history) come(data string) {
	if h.session == "" {
		return
	}
	h.born++
	id := fmt.Sprintf("c%02d", h.born)
	h.say("%s comes with %q", id, data)
	h.Platform.Come(h.session, id, data)
}

func (h *history) join() {
	user := rapid.SampledFrom([]string{"ann", "bea", "cem", "dan"}).Draw(h.t, "user")
	role := rapid.SampledFrom([]string{"", "", "student", "student", "teacher", "recorder"}).Draw(h.t, "role")
	c, err := h.Service.Join(context.Background(), h.name, doorkeeper.Applicant{User: user, Role: role})
	h.say("join of %s (%s): %v %s", user, role, err, c.Token)
	var p *problem.Details
	if err != nil && !errors.As(err, &p) {
		h.flunk("join failed: %v", err)
	}
	if err == nil {
		h.judgeAdmission(user)
		h.session = c.Session
		h.tokens = append(h.tokens, c.Token)
		if len(h.tokens) > 6 {
			h.tokens = h.tokens[1:]
		}
	}
}

func (h *history) present() []string { return h.Platform.In(h.session) }

func (h *history) leave(silently bool) {
	in := h.present()
	if len(in) == 0 {
		return
	}
	id := rapid.SampledFrom(in).Draw(h.t, "leaver")
	if silently {
		h.say("%s vanishes", id)
		h.Platform.Vanish(id)
		return
	}
	h.say("%s leaves", id)
	h.Platform.Go(id)
}

func (h *history) pass() {
	d := rapid.SampledFrom([]time.Duration{time.Millisecond, 300 * time.Millisecond, time.Second, 2 * time.Second, 7 * time.Second, 30 * time.Second, 70 * time.Second, 5 * time.Minute, 20 * time.Minute}).Draw(h.t, "pass")
	h.Pass(d)
	h.say("after %.3f s", d.Seconds())
}

func (h *history) list() {
	h.Platform.Lag = rapid.SampledFrom([]time.Duration{0, 0, time.Second, 4900 * time.Millisecond}).Draw(h.t, "lag")
	h.Platform.Paged = rapid.IntRange(0, 5).Draw(h.t, "paged") == 0
	h.Platform.ListFails, h.Platform.StreamsFail = nil, nil
	if rapid.IntRange(0, 3).Draw(h.t, "fails") == 0 {
		h.Platform.ListFails = func() error { return ErrAway }
		h.Platform.StreamsFail = h.Platform.ListFails
	}
	h.say("list: lag %v, paged %t, fails %t", h.Platform.Lag, h.Platform.Paged, h.Platform.ListFails != nil)
}

func (h *history) disconnects() {
	h.Platform.DisconnectFails = nil
	status := rapid.SampledFrom([]int{0, 0, 500, 429, 403}).Draw(h.t, "status")
	if status != 0 {
		h.Platform.DisconnectFails = func(string) error { return &room.PlatformError{Operation: "disconnect", Status: status} }
	}
	h.say("disconnects answer %d", status)
}

func (h *history) put(session string) {
	fields := []string{}
	limit := rapid.IntRange(0, 3).Draw(h.t, "maxSeats")
	if limit > 0 {
		fields = append(fields, fmt.Sprintf(`"maxSeats":%d`, limit))
	}
	if rapid.Bool().Draw(h.t, "timed") {
		fields = append(fields, fmt.Sprintf(`"lessonSeconds":%d`, rapid.SampledFrom([]int{30, 60, 600}).Draw(h.t, "seconds")))
	}
	fields = append(fields, h.times(limit, len(fields) > 0 && strings.HasPrefix(fields[len(fields)-1], `"lesson`))...)
	if d := rapid.SampledFrom([]string{"", "replace-older", "refuse-newer", "allow"}).Draw(h.t, "duplicates"); d != "" {
		fields = append(fields, fmt.Sprintf(`"duplicateUser":%q`, d))
	}
	if f := rapid.SampledFrom([]string{"", "", "accept", "refuse"}).Draw(h.t, "foreign"); f != "" {
		fields = append(fields, fmt.Sprintf(`"foreignTokens":%q`, f))
	}
	fields = append(fields, h.doors()...)
	text := "{" + strings.Join(fields, ",") + "}"
	err := h.Put(h.name, text, session)
	var p *problem.Details
	if errors.As(err, &p) && (p.Code == problem.InvalidField || p.Code == problem.NotSupported) {
		h.flunk("policy %s: %v", text, err)
	}
	h.say("policy %s: %v", text, err)
	if err == nil {
		h.ruled = append(h.ruled, ruledSince{h.Now(), policy.Stored(text)})
	}
}

func (h *history) admin() {
	ctx := context.Background()
	what := rapid.SampledFrom([]string{"end", "reopen", "reopen", "extend", "shorten", "remove"}).Draw(h.t, "request")
	var err error
	switch what {
	case "end":
		_, err = h.Service.End(ctx, h.name, "admin")
	case "reopen":
		var v doorkeeper.Snapshot
		if v, err = h.Service.Reopen(ctx, h.name, "admin"); err == nil {
			h.session, h.tokens = v.Room.Session, nil
		}
	case "extend":
		_, err = h.Service.Extend(ctx, h.name, 30, 0, "admin")
	case "shorten":
		_, err = h.Service.Extend(ctx, h.name, 0, h.Now().Add(5*time.Second), "admin")
	case "remove":
		if in := h.present(); len(in) > 0 {
			err = h.Service.Remove(ctx, h.name, rapid.SampledFrom(in).Draw(h.t, "removed"), "admin")
		}
	}
	h.say("%s: %v", what, err)
	var p *problem.Details
	if err != nil && !errors.As(err, &p) {
		h.flunk("%s failed: %v", what, err)
	}
}

func (h *history) stream() {
	in := h.present()
	if len(in) == 0 {
		return
	}
	id := rapid.SampledFrom(in).Draw(h.t, "publisher")
	kind := rapid.SampledFrom([]policy.Kind{policy.Camera, policy.Screen, policy.Custom}).Draw(h.t, "kind")
	h.born++
	stream := fmt.Sprintf("s%02d", h.born)
	h.say("%s publishes %s, a %s", id, stream, kind)
	h.Platform.Publish(id, stream, kind)
}

// misreport tells of a departure that is none: after a quick reconnect.
func (h *history) misreport() {
	in := h.present()
	if len(in) == 0 {
		return
	}
	id := rapid.SampledFrom(in).Draw(h.t, "misreported")
	h.say("%s is said to have left", id)
	h.misreported[id] = true
	e := h.Platform.Person(id).Event(journal.ConnectionDestroyed, h.Now())
	e.Reason = "networkDisconnected"
	h.notify(e)
}

// notify decides what becomes of a webhook, by a hash of what it is, so that
// the same history has the same fate whatever else is drawn.
func (h *history) notify(e lesson.Event) {
	e.At, e.ConnectedAt = e.At.Add(h.Platform.Skew), e.ConnectedAt.Add(h.Platform.Skew)
	if e.StreamAt != 0 {
		e.StreamAt = e.StreamAt.Add(h.Platform.Skew)
	}
	fate := h.fate(e.Name, e.Connection, e.Stream)
	delays := []time.Duration{0, 0, 0, 0, 0, 200 * time.Millisecond, 900 * time.Millisecond, 3 * time.Second, 20 * time.Second, 90 * time.Second, 11 * time.Minute, 2 * time.Hour}
	at := h.Now().Add(delays[fate%uint64(len(delays))])
	fate /= uint64(len(delays))
	switch fate % 12 {
	case 0:
		h.say("lost: %s of %s", e.Name, e.Connection)
		return
	case 1, 2:
		h.Send(at, e)
		h.Send(at.Add(delays[fate/12%uint64(len(delays))]), e)
	default:
		h.Send(at, e)
	}
	if at != h.Now() {
		h.say("%s of %s will come after %.3f s", e.Name, e.Connection, float64(at-h.Now())/1000)
	}
}

// fate is a number that the seed gives to what.
func (h *history) fate(what ...any) uint64 {
	f := fnv.New64a()
	fmt.Fprint(f, h.seed, what)
	return f.Sum64()
}

// wakeTimes lets wakes come early, late, twice, or not at all.
func (h *history) wakeTimes(session string, at epoch.Instant) []epoch.Instant {
	switch h.fate("wake", at-Epoch) % 8 {
	case 0:
		return nil
	case 1:
		return []epoch.Instant{at - 700, at}
	case 2:
		return []epoch.Instant{at.Add(-(40 * time.Second)), at, at + 1}
	case 3:
		return []epoch.Instant{at.Add(3 * time.Second)}
	}
	return []epoch.Instant{at}
}

// calm lets everything that can still come arrive, with a platform that works.
func (h *history) calm() {
	h.say("calm")
	h.listen(false)
	h.Platform.Lag, h.Platform.Paged, h.Platform.ListFails, h.Platform.StreamsFail, h.Platform.DisconnectFails = 0, false, nil, nil, nil
	h.Pass(20 * time.Minute)
	h.SweepEvery = 10 * time.Minute // what is due in between has wakes of its own
	h.Pass(160 * time.Minute)
}

func (h *history) flunk(format string, args ...any) {
	h.t.Fatalf("%s\n%s\n%s", fmt.Sprintf(format, args...), strings.Join(h.said, "\n"), h.story(h.sessions()))
}

// sessions gives those that were used.
func (h *history) sessions() []string {
	all := h.Platform.Sessions()
	if h.session != "" && !slices.Contains(all, h.session) {
		all = append(all, h.session)
	}
	return all
}
