package simulation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

// Platform is the truth about who is in which session, and shows it as Vonage
// does: late, in pages, or not at all.
type Platform struct {
	world *World

	mu       sync.Mutex
	sessions int
	prefix   string             // of the sessions it makes
	people   map[string]*Person // by connection id
	// Requests are the requests to disconnect, in order.
	Requests []Request
	// Signals are the kinds of the signals sent, in order.
	Signals []string
	// Readings are the moments at which each session's list was read.
	Readings map[string][]epoch.Instant

	// Lag is how late the list is.
	Lag time.Duration
	// Paged makes every reading one over several pages, which proves no absence
	// and may skip people, as a list does that moves while it is read.
	Paged bool
	// Skips says whom a paged reading skips; nil: nobody.
	Skips func(connection string) bool
	// ListFails and DisconnectFails are asked before each request; an error is
	// the answer.
	ListFails       func() error
	DisconnectFails func(connection string) error
	// Notify is told when somebody comes or goes; nil: webhooks arrive at once.
	Notify func(e lesson.Event)
}

// Person is one connection in truth.
type Person struct {
	Session, ID, Data string
	CameAt            epoch.Instant
	LeftAt            epoch.Instant // 0 while in
	Forced            bool          // Usher disconnected it
}

// Request is a request to disconnect.
type Request struct {
	At         epoch.Instant
	Session    string
	Connection string
	Err        error
}

func newPlatform(w *World) *Platform {
	return &Platform{world: w, people: map[string]*Person{}, Readings: map[string][]epoch.Instant{}}
}

// CreateSession makes a session.
func (p *Platform) CreateSession(context.Context, bool) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sessions++
	return fmt.Sprintf("2_%ssession%d", p.prefix, p.sessions), nil
}

// Credentials hands out the data itself as the token.
func (p *Platform) Credentials(session, data string, _, expires epoch.Instant) (room.Credentials, error) {
	return room.Credentials{APIKey: "123456", Session: session, Token: data, Expires: expires}, nil
}

// Connections reads the list as it was Lag ago.
func (p *Platform) Connections(_ context.Context, session string) (lesson.Reading, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.world.Now()
	p.Readings[session] = append(p.Readings[session], now)
	if p.ListFails != nil {
		if err := p.ListFails(); err != nil {
			return lesson.Reading{}, err
		}
	}
	r := lesson.Reading{Began: now, Whole: !p.Paged}
	for _, q := range p.people {
		if p.Paged && p.Skips != nil && p.Skips(q.ID) {
			continue
		}
		if q.Session == session && q.CameAt <= now.Add(-p.Lag) && (q.LeftAt == 0 || q.LeftAt > now.Add(-p.Lag)) {
			r.Present = append(r.Present, lesson.Presence{ID: q.ID, Since: q.CameAt})
		}
	}
	slices.SortFunc(r.Present, func(a, b lesson.Presence) int { return cmp.Compare(a.ID, b.ID) })
	return r, nil
}

// Disconnect ends a connection and sends its webhook.
func (p *Platform) Disconnect(_ context.Context, session, connection string) error {
	err := p.disconnect(session, connection)
	p.mu.Lock()
	p.Requests = append(p.Requests, Request{p.world.Now(), session, connection, err})
	p.mu.Unlock()
	return err
}

func (p *Platform) disconnect(session, connection string) error {
	p.mu.Lock()
	fails := p.DisconnectFails
	p.mu.Unlock()
	if fails != nil {
		if err := fails(connection); err != nil {
			return err
		}
	}
	e, ok := p.end(session, connection, forced)
	if !ok {
		return room.ErrGone
	}
	p.notify(e)
	return nil
}

// forced is the reason of who was disconnected by Usher.
const forced = "forceDisconnected"

// end takes a connection out of the session, "" for any, and gives the webhook
// about it: once, however many ask.
func (p *Platform) end(session, id, reason string) (e lesson.Event, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := p.people[id]
	if q == nil || q.LeftAt != 0 || session != "" && session != q.Session {
		return e, false
	}
	q.LeftAt, q.Forced = p.world.Now(), reason == forced
	e = q.Event(journal.ConnectionDestroyed, q.LeftAt)
	e.Reason = reason
	return e, true
}

// Signal notes the kind.
func (p *Platform) Signal(_ context.Context, _, _, kind string, _ []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Signals = append(p.Signals, kind)
	return nil
}

// Come lets a client connect, and gives it as it came.
func (p *Platform) Come(session, id, data string) Person {
	q := Person{Session: session, ID: id, Data: data, CameAt: p.world.Now()}
	p.mu.Lock()
	p.people[id] = new(q)
	p.mu.Unlock()
	p.notify(q.Event(journal.ConnectionCreated, q.CameAt))
	return q
}

// Go lets a client leave. Somebody who has left stays gone.
func (p *Platform) Go(id string) {
	if e, ok := p.end("", id, "clientDisconnected"); ok {
		p.notify(e)
	}
}

// Vanish lets a client go without a webhook.
func (p *Platform) Vanish(id string) { p.end("", id, "") }

func (p *Platform) notify(e lesson.Event) {
	if p.Notify != nil {
		p.Notify(e)
		return
	}
	p.world.Send(p.world.Now(), e)
}

// event is the webhook about the connection.
func (q *Person) Event(name string, at epoch.Instant) lesson.Event {
	return lesson.Event{
		Name: name, Session: q.Session, Project: "123456", At: at,
		Connection: q.ID, ConnectedAt: q.CameAt, Data: q.Data,
		Digest: fmt.Sprintf("%s-%s-%d", name, q.ID, at),
	}
}

// In gives the ids of who is in a session in truth, sorted.
func (p *Platform) In(session string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	ids := []string{}
	for _, q := range p.people {
		if q.Session == session && q.LeftAt == 0 {
			ids = append(ids, q.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// People gives everyone who was ever in a session, by when they came.
func (p *Platform) People(session string) []Person {
	p.mu.Lock()
	defer p.mu.Unlock()
	var people []Person
	for _, q := range p.people {
		if q.Session == session {
			people = append(people, *q)
		}
	}
	slices.SortFunc(people, func(a, b Person) int {
		return cmp.Or(cmp.Compare(a.CameAt, b.CameAt), cmp.Compare(a.ID, b.ID))
	})
	return people
}

// ErrAway is what a platform answers that is away.
var ErrAway = errors.New("the platform is away")
