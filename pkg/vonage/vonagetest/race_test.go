package vonagetest

import (
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestSentAwayBeforeTheAnswer: the callback sends away whomever it hears of.
// Nothing puts that after the answer to the one who came, so for the race
// detector an answer made past the lock is a race each time.
func TestSentAwayBeforeTheAnswer(t *testing.T) {
	p, e := both(t)
	id := p.CreateSession()
	e.answer = func(int, *http.Request) int {
		for _, c := range p.Connected(id) {
			_ = p.Disconnect(id, c.ID, ForceDisconnected)
		}
		return http.StatusOK
	}
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if c, err := p.ConnectForeign(id, "", ""); err != nil || c.LeftAt != 0 || c.Reason != "" {
				t.Errorf("who comes is answered %+v, %v", c, err)
			}
		})
	}
	all.Wait()
	settle(t, p)
	if n := len(p.Connected(id)); n != 0 {
		t.Errorf("%d are in", n)
	}
}

// ticking makes the clock go on with each look at it.
func ticking(o *Options) {
	began, looks := time.Now(), atomic.Int64{}
	o.Now = func() time.Time { return began.Add(time.Duration(looks.Add(1)) * time.Millisecond) }
}

// visitor is a client that does all it can do, and is sent away.
type visitor struct {
	p       *Platform
	session string
	token   string // of the client
	caller  string // proves who calls the REST API
}

func (v visitor) ask(t *testing.T, method, path, body string) {
	rest(t, v.p, method, path, body, "X-OPENTOK-AUTH", v.caller, "Authorization", "Bearer "+v.token)
}

func (v visitor) visit(t *testing.T) {
	c, err := v.p.Connect(v.session, v.token)
	if err != nil || c.LeftAt != 0 {
		t.Errorf("who comes is answered %+v, %v", c, err)
		return
	}
	_, hangUp := watch(t, v.p, c, v.token)
	defer hangUp()
	me := "/client/sessions/" + v.session + "/connections/" + c.ID
	s, _ := v.p.Publish(v.session, c.ID, "camera", "")
	v.ask(t, "POST", me+"/streams", `{"kind":"screen"}`)
	v.ask(t, "GET", me+"/streams/"+s.ID, "")
	v.ask(t, "POST", me+"/signals", `{"type":"hi","data":"x"}`)
	v.ask(t, "POST", path(v.session, "/stream/", s.ID, "/mute"), "")
	v.ask(t, "DELETE", me+"/streams/"+s.ID, "")
	v.meddle(t)
	v.look(t, c)
	_ = v.p.Release()
	v.p.Discard()
	v.ask(t, "DELETE", path(v.session, "/connection/", c.ID), "")
}

// look asks for everything that the platform shows, and writes into what the
// methods gave.
func (v visitor) look(t *testing.T, c Connection) {
	at := "/control/sessions/" + v.session
	for _, at := range []string{
		path(v.session, "/connection"), path(v.session, "/stream"), "/control/sessions", at, at + "/signals",
		at + "/connections/" + c.ID + "/inbox", "/control/webhooks", "/control/webhooks/held", "/control/faults", "/control/requests",
	} {
		v.ask(t, "GET", at, "")
	}
	spoil(v.p, v.session, c.ID)
}

// meddle changes the faults, and what is held.
func (v visitor) meddle(t *testing.T) {
	drop := []string{"streamDestroyed"}
	f := Faults{Drop: drop, Repeat: 0.2, Shuffle: 0.2, DelayMS: 2, Parallel: 4, OldTokens: true}
	if err := v.p.SetFaults(f); err != nil {
		t.Error(err)
	}
	clear(drop)
	v.p.Hold(2)
}

// TestEverythingAtOnce is for the race detector.
func TestEverythingAtOnce(t *testing.T) {
	p, _ := both(t, ticking, func(o *Options) { o.SignatureSecret = "secret" })
	id := p.CreateSession()
	v := visitor{p, id, hs256(t, openTokClient(id, nil)), hs256(t, projectClaims(nil))}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 4 {
				v.visit(t)
			}
		})
	}
	all.Wait()
	settle(t, p)
	if seen, err := p.Session(id); err != nil || len(seen.Connections) != 0 || len(seen.Gone) != 32 {
		t.Errorf("%d are in and %d are gone, %v", len(seen.Connections), len(seen.Gone), err)
	}
	if !slices.IsSortedFunc(p.Requests(), func(a, b Request) int { return int(a.At - b.At) }) {
		t.Error("the requests do not stand in the order in which they came")
	}
}
