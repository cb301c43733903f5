package vonagetest

import (
	"encoding/json"
	"slices"
	"testing"
)

// spoil writes into what the platform gives, as whoever gets it may.
func spoil(p *Platform, session, connection string) {
	v, _ := p.Session(session)
	for _, v := range append(p.Sessions(), v) {
		for _, c := range slices.Concat(v.Connections, v.Gone) {
			clear(c.Streams)
		}
	}
	for _, w := range append(p.Webhooks(), p.HeldBack()...) {
		clear(w.Body)
	}
	inbox, _ := p.Inbox(session, connection)
	for _, m := range inbox {
		wipe(m.Connection)
		wipe(m.From)
		wipe(m.Stream)
	}
	clear(inbox)
	clear(p.Signals(session))
	clear(p.Requests())
	clear(p.Faults().Drop)
}

func wipe[T any](v *T) {
	if v != nil {
		*v = *new(T)
	}
}

// shown is everything that the platform shows, as a text.
func shown(t *testing.T, p *Platform, session, connection string) string {
	t.Helper()
	inbox, err := p.Inbox(session, connection)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal([]any{
		p.Sessions(), p.Webhooks(), p.HeldBack(), inbox, p.Signals(session), p.Requests(), p.Faults(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestWhoGetsAnAnswerMayWriteOverIt(t *testing.T) {
	p, _ := both(t)
	if err := p.SetFaults(Faults{Drop: []string{"streamDestroyed"}}); err != nil {
		t.Fatal(err)
	}
	id := p.CreateSession()
	p.Hold(1)
	a, b := foreign(t, p, id, "a"), foreign(t, p, id, "b")
	for _, c := range []Connection{a, b} {
		s, err := p.Publish(id, c.ID, "camera", "")
		if err != nil {
			t.Fatal(err)
		}
		wantStatus(t, rest(t, p, "POST", path(id, "/stream/", s.ID, "/mute"), ""), 200)
	}
	if err := p.Signal(id, a.ID, "", "hi", "x"); err != nil {
		t.Fatal(err)
	}
	settle(t, p)
	before := shown(t, p, id, a.ID)
	spoil(p, id, a.ID)
	if after := shown(t, p, id, a.ID); after != before {
		t.Errorf("it shows\n%s\nand before\n%s", after, before)
	}
}

func TestWhatAClientWasToldStays(t *testing.T) {
	p, _ := both(t)
	id := p.CreateSession()
	c := foreign(t, p, id, "")
	s, _ := p.Publish(id, c.ID, "camera", "")
	_, _ = p.mute(id, s.ID), p.Unpublish(id, s.ID, "")
	inbox, err := p.Inbox(id, c.ID)
	i := slices.IndexFunc(inbox, func(m Message) bool { return m.Event == "muteForced" })
	if err != nil || i < 0 || inbox[i].Stream.ID != s.ID {
		t.Fatalf("told %+v, %v", inbox, err)
	}
}
