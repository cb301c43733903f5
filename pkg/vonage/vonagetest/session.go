package vonagetest

import (
	"crypto/sha256"
	"net/http"
	"slices"
	"strings"
)

// Reasons for which a connection or stream ends. The vendor sends more; any
// text is accepted where a reason is asked for.
const (
	ClientDisconnected  = "clientDisconnected"
	NetworkDisconnected = "networkDisconnected"
	ForceDisconnected   = "forceDisconnected"
	ClientUnpublished   = "clientUnpublished"
	// Vanish is no reason of the vendor's: the connection or stream is gone and
	// no webhook says so. The others in the session see networkDisconnected.
	Vanish = "vanish"
)

// Connection is one client of a session. Times are milliseconds since the
// epoch.
type Connection struct {
	ID        string   `json:"connectionId"`
	SessionID string   `json:"sessionId"`
	CreatedAt int64    `json:"createdAt"`
	Data      string   `json:"data"`
	Role      string   `json:"role"`
	Streams   []Stream `json:"streams"`
	LeftAt    int64    `json:"leftAt,omitempty"` // 0 while it is in
	Reason    string   `json:"reason,omitempty"` // why it left
}

// Stream is what a connection publishes.
type Stream struct {
	ID           string `json:"streamId"`
	ConnectionID string `json:"connectionId"`
	CreatedAt    int64  `json:"createdAt"`
	Kind         string `json:"kind"` // camera, screen, custom or audio
	Name         string `json:"name"`
	Muted        bool   `json:"muted"`
}

// videoType is how the vendor says the kind: nothing for audio alone.
func (s Stream) videoType() string {
	if s.Kind == "audio" {
		return ""
	}
	return s.Kind
}

// SessionView is a session with those who are in it.
type SessionView struct {
	ID          string       `json:"sessionId"`
	Project     string       `json:"projectId"`
	ArchiveMode string       `json:"archiveMode,omitempty"`
	Connections []Connection `json:"connections"`
	Gone        []Connection `json:"gone"` // the last who left, at least 1,000
}

// sessionState is guarded by Platform.mu, and so are its peers.
type sessionState struct {
	id, project, archive string

	in      []*peer // in the order of arrival
	gone    []*peer
	ended   []endedStream
	signals []Signal
}

// peer is a connection with what its client has been told.
type peer struct {
	Connection
	token     [sha256.Size]byte
	inbox     []Message
	forgotten int           // messages dropped from the front of inbox
	wake      chan struct{} // closed at the next message
	listeners int           // open event streams
	stopGrace func()
}

// remembered is how much a session keeps of the past, of each sort, and
// recorded how many requests and webhooks the platform keeps: at least so many,
// at most twice as many.
const (
	remembered = 1000
	recorded   = 10000
)

func keepLast[T any](list []T, one T, limit int) []T {
	list = append(list, one)
	if len(list) > 2*limit {
		list = slices.Clone(list[len(list)-limit:])
	}
	return list
}

func (s *sessionState) view() SessionView {
	return SessionView{
		ID: s.id, Project: s.project, ArchiveMode: s.archive,
		Connections: views(s.in), Gone: views(s.gone),
	}
}

func views(peers []*peer) []Connection {
	list := make([]Connection, 0, len(peers))
	for _, c := range peers {
		list = append(list, c.view())
	}
	return list
}

func (c *peer) view() Connection {
	v := c.Connection
	v.Streams = append([]Stream{}, v.Streams...)
	return v
}

func (s *sessionState) find(connection string) *peer {
	return lookup(s.in, connection)
}

func lookup(peers []*peer, connection string) *peer {
	i := slices.IndexFunc(peers, func(c *peer) bool { return c.ID == connection })
	if i < 0 {
		return nil
	}
	return peers[i]
}

func (s *sessionState) streams() []Stream {
	list := []Stream{}
	for _, c := range s.in {
		list = append(list, c.Streams...)
	}
	return list
}

// endedStream is a stream that is over, and since when.
type endedStream struct {
	Stream
	at int64
}

// ours reports whether the id names a session of this platform's projects.
func (p *Platform) ours(session string) bool {
	project := projectOf(session)
	return project != "" && (project == p.opts.APIKey || project == p.opts.ApplicationID)
}

// at gives the session of that id, an empty one that is not kept where nobody
// has been in it since the start. The caller holds p.mu.
func (p *Platform) at(id string) (*sessionState, error) {
	if !p.ours(id) {
		return nil, fail(http.StatusNotFound, "there is no such session: "+id)
	}
	if s := p.sessions[id]; s != nil {
		return s, nil
	}
	return &sessionState{id: id, project: projectOf(id)}, nil
}

// with runs f on a session under the lock.
func (p *Platform) with(id string, f func(*sessionState) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, err := p.at(id)
	if err != nil {
		return err
	}
	return f(s)
}

// withPeer runs f on a connection that is in, under the lock.
func (p *Platform) withPeer(id, connection string, f func(*sessionState, *peer) error) error {
	return p.with(id, func(s *sessionState) error {
		c := s.find(connection)
		if c == nil {
			return fail(http.StatusNotFound, "there is no such connection in the session: "+connection)
		}
		return f(s, c)
	})
}

// CreateSession makes a session of the OpenTok project where there is one, else
// of the application.
func (p *Platform) CreateSession() string {
	project := p.opts.APIKey
	if project == "" {
		project = p.opts.ApplicationID
	}
	return p.create(project, "manual")
}

func (p *Platform) create(project, archive string) string {
	prefix := "2_"
	if project == p.opts.ApplicationID {
		prefix = "1_"
	}
	id := newSessionID(prefix, project, p.now())
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sessions[id] = &sessionState{id: id, project: project, archive: archive}
	return id
}

// Sessions lists the sessions that were made or used since the start, by id.
func (p *Platform) Sessions() []SessionView {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := make([]SessionView, 0, len(p.sessions))
	for _, s := range p.sessions {
		list = append(list, s.view())
	}
	slices.SortFunc(list, func(a, b SessionView) int { return strings.Compare(a.ID, b.ID) })
	return list
}

// Session shows one session.
func (p *Platform) Session(id string) (v SessionView, err error) {
	err = p.with(id, func(s *sessionState) error {
		v = s.view()
		return nil
	})
	return v, err
}

// Connected lists who is in a session in truth, earliest first, whatever the
// REST API's list shows.
func (p *Platform) Connected(id string) []Connection {
	v, _ := p.Session(id)
	return v.Connections
}
