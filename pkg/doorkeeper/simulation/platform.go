package simulation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
	"usher/pkg/room"
)

// Platform is the truth about who is in which session, and shows it as Vonage
// does: late, in pages, or not at all. What it is told to do, it is told between
// requests.
type Platform struct {
	now    func() epoch.Instant
	tell   func(lesson.Event)
	prefix string // of the sessions it makes

	mu       sync.Mutex
	people   map[string]*Person   // by connection id
	sessions map[string][]*Person // in the order in which they came

	// Requests are the requests to disconnect, in order.
	Requests []Request
	// Signals are those sent to everyone, in order: kind and data. Words are those
	// sent to one connection, after its id.
	Signals, Words []string
	// Readings are the moments at which each session's list was read.
	Readings map[string][]epoch.Instant
	// Archived says of each session that was made whether it is archived.
	Archived []bool

	// Skew is how far the platform's clock is ahead.
	Skew time.Duration
	// Lag is how late the list is.
	Lag time.Duration
	// Paged makes every reading one over several pages, which proves no absence
	// and may skip people, as a list does that moves while it is read.
	Paged bool
	// Skips says whom a paged reading skips; nil: nobody.
	Skips func(connection string) bool
	// Missing answers every reading with 404.
	Missing bool
	// The Fails are asked before each request; an error is the answer, and
	// ErrHangs is none at all. nil: it works.
	ListFails, StreamsFail, SessionFails, SignalFails func() error
	DisconnectFails                                   func(connection string) error
	// Notify is told when somebody comes or goes; nil: webhooks arrive at once.
	Notify func(e lesson.Event)
}

// ErrAway is what a platform answers that is away.
var ErrAway = errors.New("the platform is away")

// ErrHangs lets a request wait until whoever made it gives up.
var ErrHangs = errors.New("no answer")

// Person is one connection in truth.
type Person struct {
	Session, ID, Data string
	CameAt            epoch.Instant
	LeftAt            epoch.Instant // 0 while in
	Forced            bool          // Usher disconnected it
	Streams           []*Stream
}

// Request is a request to disconnect.
type Request struct {
	At         epoch.Instant
	Session    string
	Connection string
	Err        error
}

// NewPlatform is a platform by that clock, which tells of who comes and goes.
func NewPlatform(now func() epoch.Instant, tell func(lesson.Event)) *Platform {
	return &Platform{
		now: now, tell: tell, people: map[string]*Person{}, sessions: map[string][]*Person{}, Readings: map[string][]epoch.Instant{},
	}
}

// answer is what a request with such a failure comes back with.
func answer(ctx context.Context, failure error) error {
	if errors.Is(failure, ErrHangs) {
		<-ctx.Done()
		return ctx.Err()
	}
	return failure
}

func ask(ctx context.Context, fails func() error) error {
	if fails == nil {
		return nil
	}
	return answer(ctx, fails())
}

// CreateSession makes a session.
func (p *Platform) CreateSession(ctx context.Context, archived bool) (string, error) {
	if err := ask(ctx, p.SessionFails); err != nil {
		return "", err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Archived = append(p.Archived, archived)
	return p.made(len(p.Archived)), nil
}

// made is the name of the nth session.
func (p *Platform) made(n int) string { return fmt.Sprintf("2_%ssession%d", p.prefix, n) }

// Credentials hands out the data itself as the token.
func (p *Platform) Credentials(q room.Pass) (room.Credentials, error) {
	return room.Credentials{APIKey: "123456", Session: q.Session, Token: q.Data, Expires: q.Expires}, nil
}

// Connections reads the list as it was Lag ago.
func (p *Platform) Connections(ctx context.Context, session string) (lesson.Reading, error) {
	now := p.now()
	p.mu.Lock()
	p.Readings[session] = append(p.Readings[session], now)
	p.mu.Unlock()
	if err := ask(ctx, p.ListFails); err != nil {
		return lesson.Reading{}, err
	}
	r := lesson.Reading{Began: now, Whole: !p.Paged && !p.Missing, NotFound: p.Missing}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, q := range p.sessions[session] {
		if p.Missing || p.Paged && p.Skips != nil && p.Skips(q.ID) {
			continue
		}
		if q.CameAt <= now.Add(-p.Lag) && (q.LeftAt == 0 || q.LeftAt > now.Add(-p.Lag)) {
			r.Present = append(r.Present, lesson.Presence{ID: q.ID, Since: q.CameAt.Add(p.Skew)})
		}
	}
	slices.SortFunc(r.Present, func(a, b lesson.Presence) int { return cmp.Compare(a.ID, b.ID) })
	return r, nil
}

// Streams reads the list of streams: those that are on air.
func (p *Platform) Streams(ctx context.Context, session string) (lesson.StreamReading, error) {
	now := p.now()
	if err := ask(ctx, p.StreamsFail); err != nil {
		return lesson.StreamReading{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	r := lesson.StreamReading{Began: now, Whole: true, Present: map[string]bool{}}
	for _, q := range p.sessions[session] {
		for _, s := range q.Streams {
			if s.CameAt <= now.Add(-p.Lag) && (s.endedAt(q) == 0 || s.endedAt(q) > now.Add(-p.Lag)) {
				r.Present[s.ID] = true
			}
		}
	}
	return r, nil
}

// Stream is one stream in truth.
type Stream struct {
	ID     string
	Kind   policy.Kind
	CameAt epoch.Instant
	LeftAt epoch.Instant // 0 while it is on air
}

// endedAt is when the stream of the person ended, at the latest with its connection.
func (s Stream) endedAt(q *Person) epoch.Instant {
	if s.LeftAt == 0 || q.LeftAt != 0 && q.LeftAt < s.LeftAt {
		return q.LeftAt
	}
	return s.LeftAt
}

// Publish lets the connection publish a stream, and sends its webhook.
func (p *Platform) Publish(id, stream string, kind policy.Kind) {
	p.mu.Lock()
	q := p.people[id]
	q.Streams = append(q.Streams, &Stream{ID: stream, Kind: kind, CameAt: p.now()})
	e := q.streamEvent(journal.StreamCreated, q.Streams[len(q.Streams)-1], p.now())
	p.mu.Unlock()
	p.notify(e)
}

// Stop ends a stream, and sends its webhook unless it does so silently.
func (p *Platform) Stop(id, stream string, silently bool) {
	p.mu.Lock()
	q := p.people[id]
	for _, s := range q.Streams {
		if s.ID == stream && s.LeftAt == 0 {
			s.LeftAt = p.now()
			e := q.streamEvent(journal.StreamDestroyed, s, s.LeftAt)
			if !silently {
				defer p.notify(e)
			}
		}
	}
	p.mu.Unlock()
}

func (q *Person) streamEvent(name string, s *Stream, at epoch.Instant) lesson.Event {
	e := q.Event(name, at)
	e.Stream, e.StreamAt, e.Kind, e.Data, e.Digest = s.ID, s.CameAt, s.Kind, "", name+"-"+s.ID
	return e
}

// Disconnect ends a connection and sends its webhook.
func (p *Platform) Disconnect(ctx context.Context, session, connection string) error {
	at := p.now()
	var err error
	if p.DisconnectFails != nil {
		err = answer(ctx, p.DisconnectFails(connection))
	}
	if err == nil && !p.leave(session, connection, "forceDisconnected") {
		err = room.ErrGone
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Requests = append(p.Requests, Request{at, session, connection, err})
	return err
}

// Signal notes what is sent.
func (p *Platform) Signal(ctx context.Context, _, connection, kind string, data []byte) error {
	if err := ask(ctx, p.SignalFails); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if connection != "" {
		p.Words = append(p.Words, connection+" "+kind+" "+string(data))
		return nil
	}
	p.Signals = append(p.Signals, kind+" "+string(data))
	return nil
}

// Enter lets a client have connected at that moment, of which no webhook tells.
func (p *Platform) Enter(session, id, data string, at epoch.Instant) Person {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := Person{Session: session, ID: id, Data: data, CameAt: at}
	p.people[id] = new(q)
	p.sessions[session] = append(p.sessions[session], p.people[id])
	return q
}

// Come lets a client connect, and gives it as it came.
func (p *Platform) Come(session, id, data string) Person {
	q := p.Enter(session, id, data, p.now())
	p.notify(q.Event(journal.ConnectionCreated, q.CameAt))
	return q
}

// Go lets a client leave. Somebody who has left stays gone.
func (p *Platform) Go(id string) {
	if q := p.Person(id); q != nil {
		p.leave(q.Session, id, "clientDisconnected")
	}
}

// Vanish lets a client go without a webhook.
func (p *Platform) Vanish(id string) {
	if q := p.Person(id); q != nil {
		p.end(q.Session, id, false)
	}
}

// leave ends a connection, and reports whether it was there. Its webhook says
// why.
func (p *Platform) leave(session, id, reason string) bool {
	q, there := p.end(session, id, reason == "forceDisconnected")
	if there {
		e := q.Event(journal.ConnectionDestroyed, q.LeftAt)
		e.Reason = reason
		p.notify(e)
	}
	return there
}

func (p *Platform) end(session, id string, forced bool) (Person, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := p.people[id]
	if q == nil || q.LeftAt != 0 || q.Session != session {
		return Person{}, false
	}
	q.LeftAt, q.Forced = p.now(), forced
	return *q, true
}

func (p *Platform) notify(e lesson.Event) {
	if p.Notify != nil {
		p.Notify(e)
		return
	}
	p.tell(e)
}

// Event is the webhook about the connection.
func (q Person) Event(name string, at epoch.Instant) lesson.Event {
	return lesson.Event{
		Name: name, Session: q.Session, Project: "123456", At: at,
		Connection: q.ID, ConnectedAt: q.CameAt, Data: q.Data,
		Digest: fmt.Sprintf("%s-%s-%d", name, q.ID, at),
	}
}

// Camera is the webhook of a stream that the connection publishes.
func (q Person) Camera(stream string, at epoch.Instant) lesson.Event {
	e := q.Event(journal.StreamCreated, at)
	e.Stream, e.StreamAt, e.Kind, e.Data, e.Digest = stream, at, policy.Camera, "", stream
	return e
}

// Person gives the connection with that id; nil: it never came.
func (p *Platform) Person(id string) *Person {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.people[id]
}

// People gives everyone who was ever in a session, by when they came.
func (p *Platform) People(session string) []Person {
	p.mu.Lock()
	defer p.mu.Unlock()
	var people []Person
	for _, q := range p.sessions[session] {
		people = append(people, *q)
	}
	slices.SortFunc(people, func(a, b Person) int {
		return cmp.Or(cmp.Compare(a.CameAt, b.CameAt), cmp.Compare(a.ID, b.ID))
	})
	return people
}

// In gives the ids of who is in a session in truth, sorted.
func (p *Platform) In(session string) []string {
	ids := []string{}
	for _, q := range p.People(session) {
		if q.LeftAt == 0 {
			ids = append(ids, q.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// Sessions gives those that somebody was ever in, sorted.
func (p *Platform) Sessions() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Sorted(maps.Keys(p.sessions))
}
