// Package api is the HTTP in front of the doorkeeper: the webhook of Vonage's
// session monitoring, and the JSON API with the pages beside it. It knows
// requests, tokens, conditions, and how values look in JSON; what a request does
// is the doorkeeper's.
//
// It is trusted to authenticate a request before it parses its body, to let an
// error from inside reach the log only, and to keep tokens, queries and bodies out
// of the log. Begin with routes.go, the table of the API, and webhook.go.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"path"
	"time"

	"usher/pkg/attendance"
	"usher/pkg/checkup"
	"usher/pkg/doorkeeper"
	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

// Service is what the JSON API asks of the doorkeeper. Refusals are
// *problem.Details; every other error is an internal one, and one that wraps
// room.ErrUnavailable is worth trying again.
type Service interface {
	PutRoom(ctx context.Context, p room.Put) (s doorkeeper.Snapshot, created bool, err error)
	Room(ctx context.Context, name string) (doorkeeper.Snapshot, error)
	Rooms(ctx context.Context, after string, limit int, status journal.Status) (doorkeeper.RoomPage, error)
	DeleteRoom(ctx context.Context, name, actor string) error
	Join(ctx context.Context, name string, who doorkeeper.Applicant) (doorkeeper.Admission, error)
	Extend(ctx context.Context, name string, seconds int, endsAt epoch.Instant, actor string) (doorkeeper.Snapshot, error)
	End(ctx context.Context, name, actor string) (doorkeeper.Snapshot, error)
	Reopen(ctx context.Context, name, actor string) (doorkeeper.Snapshot, error)
	Connections(ctx context.Context, name, after string, limit int) (doorkeeper.ConnPage, error)
	Remove(ctx context.Context, name, connection, actor string) error
	Events(ctx context.Context, name, session string, after int64, limit int) (doorkeeper.LinePage, error)
	Attendance(ctx context.Context, name, session string) (attendance.Record, error)
	Chronicle(ctx context.Context, name, session string) (doorkeeper.Chronicle, error)
	LessonsOf(ctx context.Context, name string, after room.Opening, limit int) (doorkeeper.LessonPage, error)
	Ban(ctx context.Context, name string, b lesson.Ban) (lesson.Ban, error)
	Bans(ctx context.Context, name, after string, limit int) (doorkeeper.BanPage, error)
	LiftBan(ctx context.Context, name, user, actor string) error
}

// Options are what New needs. Service, APISecret and Now are required.
type Options struct {
	Service Service
	// APISecret signs admin tokens, TicketSecret tickets; nil: the APISecret.
	// A token never verifies with an empty secret.
	APISecret, TicketSecret []byte
	// EitherTicket: tickets may be signed with the APISecret too.
	EitherTicket bool
	Previous     Previous
	// Origins are the web origins that may call join from a page, compared
	// byte for byte with the Origin header.
	Origins []string
	Now     func() epoch.Instant
	Version string // shown by /healthz
	// Checkup looks whether what this deployment rests on works; nil: nothing is looked at.
	Checkup func(ctx context.Context) []checkup.Finding
	Pages   http.Handler // everything outside /v1 and /healthz; nil: 404
	Log     *slog.Logger // nil: slog.Default()
}

// Previous are the secrets before. Tokens that were signed with them are good
// while they are set, so that a rotation refuses nobody; nil: none.
type Previous struct{ APISecret, TicketSecret []byte }

// keys are what tokens may be signed with.
func (o Options) keys() keys {
	k := keys{api: [][]byte{o.APISecret, o.Previous.APISecret}, ticket: [][]byte{o.TicketSecret, o.Previous.TicketSecret}}
	if len(o.TicketSecret) == 0 || o.EitherTicket {
		k.ticket = append(k.ticket, k.api...)
	}
	return k
}

// New makes the handler of everything but the webhook.
func New(o Options) http.Handler {
	s := newServer(o)
	mux := http.NewServeMux()
	for pattern, methods := range byPath(s.routes()) {
		mux.Handle(pattern, methods)
	}
	mux.HandleFunc("/v1", notFound)
	mux.HandleFunc("/v1/", notFound)
	pages := o.Pages
	if pages == nil {
		pages = http.HandlerFunc(notFound)
	}
	mux.Handle("/", pages)
	return s.guard(tidy(mux))
}

// server carries the options to the handlers.
type server struct {
	Options
	keys keys
	log  *slog.Logger
	// measure hears of each answer to a callback; nil: this server answers none.
	measure func(status int, left *note)
}

func newServer(o Options) *server {
	s := &server{Options: o, keys: o.keys(), log: o.Log}
	if s.log == nil {
		s.log = slog.Default()
	}
	return s
}

// tidy refuses paths that the mux would answer with a redirect to another one.
func tidy(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := r.URL.EscapedPath()
		if clean := path.Clean(p); p != clean && p != clean+"/" {
			notFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// longest bounds the work for one request.
const longest = 30 * time.Second

// work is the context of a request that changes something: it is carried out
// to the end also when the caller hangs up, within the deadline of the request.
func work(r *http.Request) (context.Context, context.CancelFunc) {
	at := time.Now().Add(longest)
	if d, ok := r.Context().Deadline(); ok && d.Before(at) {
		at = d
	}
	return context.WithDeadline(context.WithoutCancel(r.Context()), at)
}
