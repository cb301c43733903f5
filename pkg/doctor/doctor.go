// Package doctor looks at a deployment from outside, as its users and Vonage see it,
// and asks it what it sees of itself: a line for each, with what to do.
//
// It is trusted to leave nothing behind: the room that it makes is deleted again. It
// needs an address, an admin token, and to sign a callback the signature secret. Begin
// with Examine.
package doctor

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Line is what one check saw.
type Line struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"` // what was seen and, where it is not well, what to do
}

// LeftBehind names the line that says what the examination itself left there.
const LeftBehind = "left behind"

// Patient is who is examined.
type Patient struct {
	URL       string // of the deployment, without /v1
	Token     string // an admin's, for all rooms
	Signature string // the secret of signed callbacks; "": none is sent
	HTTP      *http.Client
	Now       func() time.Time
	After     func(time.Duration) <-chan time.Time // time.After where it is nil
}

// Examine makes all checks, which take some seconds, and gives their lines in order.
// Without an answer at all it stops at the first.
func (p Patient) Examine(ctx context.Context) []Line {
	p.URL = strings.TrimSuffix(p.URL, "/")
	if p.After == nil {
		p.After = time.After
	}
	e := &examination{Patient: p, room: "usher-doctor-" + strings.ToLower(rand.Text()[:8]), connection: newConnection()}
	if !e.reach(ctx) {
		return e.lines
	}
	e.unsigned(ctx)
	seen, ok := e.checkup(ctx)
	if !ok {
		return e.lines
	}
	e.clock(seen)
	e.signed(ctx)
	for _, l := range seen.Checks {
		if l.Name == "callback" && !l.OK && e.open {
			l = Line{l.Name, true, "No callback has been heard yet. The simulated platform sends one when somebody connects."}
		}
		e.lines = append(e.lines, l)
	}
	return e.lines
}

type examination struct {
	Patient
	room       string
	connection string
	open       bool // unsigned callbacks are heard here, rightly
	lines      []Line
}

func (e *examination) say(name string, ok bool, format string, args ...any) {
	e.lines = append(e.lines, Line{name, ok, fmt.Sprintf(format, args...)})
}

// reach asks for the version, which needs no token.
func (e *examination) reach(ctx context.Context) bool {
	var health struct {
		Status, Version string
	}
	a, err := e.do(ctx, http.MethodGet, "/healthz", nil, nil)
	switch {
	case err != nil:
		e.say("reachable", false, "%s does not answer: %v. Look whether the address is right and the deployment is there.", e.URL, plain(err))
		return false
	case a.status == http.StatusNotFound:
		e.say("reachable", false, "There is no Usher at %s. Give its address as the output Url has it: a host, and no path of Usher's behind it.", e.URL)
		return false
	case a.status != http.StatusOK || a.into(&health) != nil || health.Status != "ok":
		e.say("reachable", false, "%s/healthz answers %d, and not as Usher does. %s", e.URL, a.status, a.advice())
		return false
	}
	e.say("reachable", true, "Usher answers, version %s.", health.Version)
	return true
}

// unsigned sends a callback that nobody signed, of a session that nobody knows.
func (e *examination) unsigned(ctx context.Context) {
	a, err := e.do(ctx, http.MethodPost, callbackPath, nil, e.event("connectionCreated", "1_"+e.room))
	switch {
	case err != nil:
		e.say("unsigned", false, "The callback does not answer: %v.", plain(err))
	case a.status == http.StatusUnauthorized:
		e.say("unsigned", true, "A callback that is not signed is refused.")
	case a.status == http.StatusOK && e.loopback():
		e.open = true
		e.say("unsigned", true, "Callbacks need no signature: right for a simulated platform on this machine, and only there.")
	case a.status == http.StatusOK:
		e.say("unsigned", false, "A callback that is not signed is heard: anybody can tell lies. Set VONAGE_SIGNATURE_SECRET.")
	default:
		e.say("unsigned", false, "A callback that is not signed is answered %d, not 401. %s", a.status, a.advice())
	}
}

// loopback reports whether the deployment is on this machine.
func (e *examination) loopback() bool {
	u, err := url.Parse(e.URL)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// seen is what the deployment says of itself.
type seen struct {
	Version string
	Now     time.Time
	Checks  []Line

	asked, answered time.Time // by the clock here
}

func (e *examination) checkup(ctx context.Context) (s seen, ok bool) {
	s.asked = e.Now()
	a, err := e.do(ctx, http.MethodPost, "/v1/checkup", e.bearer(), nil)
	s.answered = e.Now()
	switch {
	case err != nil:
		e.say("token", false, "The API does not answer: %v.", plain(err))
	case a.status == http.StatusNotFound:
		e.say("token", false, "This version cannot look at itself. Deploy a newer one.")
	case a.status == http.StatusUnauthorized:
		e.say("token", false, "The admin token is not taken (401): it has expired, or another key signed it. "+
			"Sign one with the USHER_API_SECRET of this deployment, by a clock that is right.")
	case a.status == http.StatusForbidden:
		e.say("token", false, "The admin token is not taken (403). %s. Take an admin's that is good for all rooms.", strings.TrimSuffix(a.advice(), "."))
	case a.status != http.StatusOK || a.into(&s) != nil || s.Now.IsZero():
		e.say("token", false, "The admin token is not taken (%d). %s", a.status, a.advice())
	default:
		e.say("token", true, "The admin token is taken.")
		return s, true
	}
	return s, false
}

// farOff is how far clocks may be apart: tokens of the API have 30 s of leeway.
const farOff = 10 * time.Second

// clock compares the deployment's clock with the one here. The answer was written
// between two moments here, which bounds the difference.
func (e *examination) clock(s seen) {
	off := time.Duration(0)
	switch {
	case s.Now.Before(s.asked):
		off = s.asked.Sub(s.Now)
	case s.Now.After(s.answered):
		off = s.Now.Sub(s.answered)
	}
	if off > farOff {
		e.say("clock", false, "Its clock and the one here are %s apart. Set the clock of this machine: tokens that it signs are refused.", off.Round(time.Second))
		return
	}
	e.say("clock", true, "Its clock and the one here agree.")
}
