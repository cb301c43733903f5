package room

import (
	"context"
	"errors"
	"fmt"
	"time"

	"usher/pkg/attendance"
	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
)

// Platform is Vonage Video, or a platform that behaves like it.
type Platform interface {
	// CreateSession makes a routed session; archived sessions are recorded
	// from the start (archiveMode=always).
	CreateSession(ctx context.Context, archived bool) (session string, err error)
	// Connections reads the list of a session's connections, page by page. A
	// session that is not found is an empty Reading that is not Whole.
	Connections(ctx context.Context, session string) (lesson.Reading, error)
	// Disconnect ends one connection. ErrGone means that the platform does not
	// know it (404), which for a young connection proves nothing.
	Disconnect(ctx context.Context, session, connection string) error
	// Signal sends data, a JSON text, to everyone in the session under kind,
	// or to one connection where connection is not empty.
	Signal(ctx context.Context, session, connection, kind string, data []byte) error
	// Streams reads the list of a session's streams. A session that is not found has
	// none.
	Streams(ctx context.Context, session string) (lesson.StreamReading, error)
	// Credentials makes the credentials with which a client connects.
	Credentials(p Pass) (Credentials, error)
}

// Pass is what credentials are good for.
type Pass struct {
	Session string
	Data    string // travels with the connection, visible to everyone in the session
	Right   Right
	Now     epoch.Instant
	Expires epoch.Instant
}

// Right is what the platform itself lets a client do.
type Right string

// The rights, as the platform names its roles (Vonage's server SDKs).
const (
	Subscriber Right = "subscriber" // publishes nothing
	Publisher  Right = "publisher"
	Moderator  Right = "moderator" // may mute and remove others from the page
)

// Credentials let one client connect to a session. Exactly one of ApplicationID
// and APIKey is set, by the environment.
type Credentials struct {
	ApplicationID string
	APIKey        string
	Session       string
	Token         string
	Expires       epoch.Instant
}

// ErrGone says that the platform does not know the connection or session.
var ErrGone = errors.New("not known to the platform")

// PlatformError is an answer of the platform that is not a success.
type PlatformError struct {
	Operation string
	Status    int // HTTP status
}

func (e *PlatformError) Error() string {
	return fmt.Sprintf("%s: the platform answered %d", e.Operation, e.Status)
}

// Refused reports whether trying again soon is hopeless: the platform
// understood and said no (400, 401, 403). Somebody has to look at the settings.
func (e *PlatformError) Refused() bool {
	return e.Status == 400 || e.Status == 401 || e.Status == 403
}

// Timer wakes the doorkeeper. A wake may come early, late, twice or for a moment
// that no longer matters: Service.Work looks at the lesson and does the due work.
type Timer interface {
	// Wake asks for Service.Work(session) at that moment, exact to a few
	// milliseconds where it is less than 15 minutes away or a lesson's
	// deadline. Asking twice for one moment is asking once.
	Wake(ctx context.Context, session string, at epoch.Instant) error
	// WakeAtDeadline is Wake for a lesson's deadline. Many lessons may have
	// theirs in one second, at the full hour: none of them waits for others.
	WakeAtDeadline(ctx context.Context, session string, at epoch.Instant) error
}

// Queue keeps events that no store would take until they can be heard again.
type Queue interface {
	// Park makes the event durable or fails.
	Park(ctx context.Context, e lesson.Event) error
}

// Marks keeps when something was last done, so that whoever asks can see that it still
// is. A mark decides nothing.
type Marks interface {
	// Mark says that it was done at that moment. One that is later already stays.
	Mark(ctx context.Context, name string, at epoch.Instant) error
	// Marks gives the last moments by name.
	Marks(ctx context.Context) (map[string]epoch.Instant, error)
}

// Backend is the owner's, where it is told what the logs of lessons say.
type Backend interface {
	// Tell brings it a notice; nil means that it has taken it. The error carries
	// nothing of the address, which may be a secret.
	Tell(ctx context.Context, n Notice) error
}

// Notice is a line of a lesson's log for the owner's backend.
type Notice struct {
	Room, Session string
	Line          journal.Line // with its number
	// Attendance is who was there for how long, as it is known when the line of the
	// end is told; nil with every other line.
	Attendance *attendance.Record
}

// Callback is an authenticated callback of the platform's that goes on to another
// listener, bytes and headers as they came.
type Callback struct {
	Received epoch.Instant       `json:"received"`
	Header   map[string][]string `json:"header"`
	Body     []byte              `json:"body"`
}

// ForwardFor is for how long a callback is tried to be forwarded.
const ForwardFor = 24 * time.Hour

// ForwardAgain is the wait after so many failures to forward a callback: 5 s, and
// twice as long each time, up to 15 minutes.
func ForwardAgain(failures int) time.Duration {
	return min(5*time.Second<<min(failures-1, 8), 15*time.Minute)
}

// Store keeps rooms, their bans, and lessons. Every write is conditional and atomic; the lesson
// that it returns has been committed. The contract, word for word, is the suite in
// storetest that every implementation passes.
type Store interface {
	// Lesson loads a lesson as it stands now (a consistent read) and, in the
	// same request, the named records as far as they were shed from it.
	// ErrNoLesson where the session is unknown.
	Lesson(ctx context.Context, session string, records ...string) (lesson.Lesson, []lesson.Record, error)
	// Add commits one more connection without looking at the others: iff
	// a.Fits(the stored lesson), what a.Into makes of it is stored. Adds do not
	// conflict with one another. It returns the stored lesson. Otherwise
	// nothing is written and the error is a *Conflict with the winner.
	Add(ctx context.Context, a lesson.Arrival) (lesson.Lesson, error)
	// Leave commits one connection that has left, without looking at the others: iff
	// d.Fits(the stored lesson), what d.Into makes of it is stored; else a *Conflict. It
	// conflicts neither with Adds nor with Leaves of others, and with a Shed only where
	// the connection stood in the item.
	Leave(ctx context.Context, d lesson.Departure) (lesson.Lesson, error)
	// Swap stores next iff the stored lesson still has next's Revision and
	// Added; the stored Revision is one higher. Otherwise a *Conflict.
	Swap(ctx context.Context, next lesson.Lesson) (lesson.Lesson, error)
	// Shed moves the entries and lines that s names out of the lesson into records
	// and chunks of their own, iff the stored lesson still has l's Revision and
	// the Limit of its Gate: the records are durable before they leave the lesson.
	// It does not conflict with Adds of people who are seated.
	Shed(ctx context.Context, l lesson.Lesson, s lesson.Shed) (lesson.Lesson, error)

	// Room loads a room. ErrNoRoom where the name is free.
	Room(ctx context.Context, name string) (Room, error)
	// Rooms lists rooms by name, from after (exclusive), at most limit.
	Rooms(ctx context.Context, after string, limit int) ([]Room, error)
	// Lessons loads the lessons of many sessions, unknown ones left out. It may
	// be a moment old.
	Lessons(ctx context.Context, sessions []string) (map[string]lesson.Lesson, error)
	// LessonsOf lists the lessons of the room of that name that was made at created, as
	// far as they are kept, perhaps some more: the newest first, of one moment the greatest
	// session, from after (exclusive; zero: all), at most limit; fewer are the last.
	LessonsOf(ctx context.Context, name string, created epoch.Instant, after Opening, limit int) ([]Opening, error)
	// Commit writes a room and the lessons it touches, all or nothing. A
	// *Conflict without a winner when a condition of it did not hold.
	Commit(ctx context.Context, c Change) error

	// Lines gives a lesson's log lines that were shed, with after < seq, in
	// order, at most limit.
	Lines(ctx context.Context, session string, after int64, limit int) ([]journal.Line, error)
	// Records gives records of a lesson by id, from after (exclusive, whether there is
	// such a record or not), at most limit; fewer are the last.
	Records(ctx context.Context, session, after string, limit int) ([]lesson.Record, error)
	// Ban loads the ban of a user in the rooms of a name, as it stands now (a
	// consistent read); false where there is none.
	Ban(ctx context.Context, room, user string) (lesson.Ban, bool, error)
	// Bans lists the bans in the rooms of a name by user, from after (exclusive), at
	// most limit.
	Bans(ctx context.Context, room, after string, limit int) ([]lesson.Ban, error)
	// Due lists sessions of one of DueBuckets buckets whose lesson's Due has
	// come by before, earliest first, at most limit.
	Due(ctx context.Context, bucket int, before epoch.Instant, limit int) ([]string, error)
}

// DueBuckets is how many partitions the index of unfinished work has.
const DueBuckets = 8

// Opening says when a lesson began, and in which session.
type Opening struct {
	At      epoch.Instant
	Session string
}

// Change is all that one commit on a room writes.
type Change struct {
	Room Room // stored iff the stored room still has Room.Revision; one higher afterwards
	// Create: the room must not exist. Delete: it is removed.
	Create, Delete bool
	// Swap, where set, is stored on the conditions of Store.Swap.
	Swap *lesson.Lesson
	// Start, where set, is a new lesson; its session must be unknown. LessonsOf lists it.
	Start *lesson.Lesson
	// Bans are stored, each in the place of its user's former one, and those of the
	// users in Lift are removed; together at most MaxBans, and each user once.
	Bans []lesson.Ban
	Lift []string
}

// Conflict says that another writer was first. It is certain: a store that may
// have met an earlier try of the same write, whose answer was lost, says
// ErrUnavailable, and the caller looks whether the write stands. Otherwise an
// extension by seconds could count twice.
type Conflict struct {
	Winner *lesson.Lesson // as it is stored now; nil where the store does not say
}

func (c *Conflict) Error() string { return "somebody else wrote first" }

// Errors of a Store.
var (
	ErrNoLesson = errors.New("no such lesson")
	ErrNoRoom   = errors.New("no such room")
	// ErrUnavailable wraps failures where the store could not be reached or
	// refused for lack of capacity; the write may or may not have happened.
	ErrUnavailable = errors.New("the store is not available")
)
