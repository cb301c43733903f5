package lesson

import (
	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/policy"
)

// Bounds of one lesson's item. Everything that one decision can see stands in
// it, so it has to stay small. Its bytes have a bound of their own, see FullSize.
const (
	// maxConnsInItem is how many connections stand in the item while they are in;
	// beyond it the oldest are shed into records of their own.
	maxConnsInItem = 64
	// MaxAsked is how many connections stand in the item that were told to go and
	// have not gone: as many as a full room that ends has. Beyond it they are left to
	// the list, or one person that the platform does not disconnect could fill the
	// item by connecting again and again.
	MaxAsked = 64
	// maxPromisesInHall is how many open promises stand in the item of a room
	// without a cap, where they hold nobody's seat.
	maxPromisesInHall = 128
	// chunkLines is how many log lines move out at a time.
	chunkLines = 8
)

// Lesson is one use of a room, from its session's first event to its end, and
// the whole of what one decision can see. It is stored as one item.
type Lesson struct {
	Session string        `json:"session"`
	Room    string        `json:"room"`
	Own     bool          `json:"own,omitempty"` // Usher made the session
	Created epoch.Instant `json:"created"`

	Revision int64 `json:"revision"` // one more with every Swap and Shed
	Added    int64 `json:"added"`    // one more with every Add

	Policy        policy.Policy `json:"policy"`        // in force
	PolicyVersion int64         `json:"policyVersion"` // the room's revision that brought it
	// Rules are the rules under which the lesson could start, and since when: a start
	// is judged by the rule in force at its moment. The last one is in force.
	Rules policy.Rules `json:"rules"`

	Status    journal.Status  `json:"status"`
	Outcome   journal.Outcome `json:"outcome,omitempty"`
	StartedAt epoch.Instant   `json:"startedAt,omitempty"`
	EndedAt   epoch.Instant   `json:"endedAt,omitempty"`
	// PausedMillis is for how long the clock has stood still, pauses that are over, and
	// PausedAt since when it does so now; 0: it runs. ResumedAt is since when it runs.
	PausedMillis int64         `json:"paused,omitempty"`
	PausedAt     epoch.Instant `json:"pausedAt,omitempty"`
	ResumedAt    epoch.Instant `json:"resumedAt,omitempty"`
	// Stays are those of connections that are over and may leave the item, by id, where
	// the clock pauses: the pauses rest on them. What rests on still older ones is settled:
	// before SettledThrough the clock stood still for SettledMillis, in pauses that were over.
	Stays           map[string]Stay `json:"stays,omitempty"`
	SettledThrough  epoch.Instant   `json:"settledThrough,omitempty"`
	SettledMillis   int64           `json:"settledMillis,omitempty"`
	SettledPausedAt epoch.Instant   `json:"settledPausedAt,omitempty"` // it stood still then, since that moment
	// WarnedThrough: warnings of moments up to then were given, or came too late.
	WarnedThrough epoch.Instant `json:"warnedThrough,omitempty"`
	// ExtendedMillis is the time that extend added to the deadline by seconds.
	ExtendedMillis int64         `json:"extended,omitempty"`
	FixedEnd       epoch.Instant `json:"fixedEnd,omitempty"` // the deadline as extend gave it; it stands as given

	Conns    map[string]Conn    `json:"conns"`
	Promises map[string]Promise `json:"promises"`
	// Refusals are the refusals at join of the last seconds, by reason and user: each
	// is one line in a while.
	Refusals map[string]epoch.Instant `json:"refusals,omitempty"`
	// RoomCreated is when the lesson's room was made: bans of before are those of
	// another room that had the name.
	RoomCreated epoch.Instant `json:"roomCreated,omitempty"`
	// Bans is how many bans the room had when the lesson began, and one more with each
	// since; 0: nobody has to be looked up.
	Bans int64 `json:"bans,omitempty"`
	// BansToKeep are those that the room's list does not have yet, or that not everyone
	// outside the item has been held against, by user.
	BansToKeep map[string]Ban           `json:"bansToKeep,omitempty"`
	Seen       map[string]epoch.Instant `json:"seen"` // digests of events that have no id, and when they were heard

	Tail []journal.Line `json:"tail"` // the last log lines; Tail[i] has the number Base+i+1
	Base int64          `json:"base"`

	Shed           int64         `json:"shed,omitempty"`    // records shed so far; 0: nobody was forgotten
	ShedThrough    epoch.Instant `json:"floor,omitempty"`   // latest createdAt among the shed
	PresentOutside int64         `json:"outside,omitempty"` // connections that are in, but stand only in records
	// ObserversOutside and OutsideByRole are how many of those are observers, and how
	// many of the others have which role.
	ObserversOutside int64            `json:"observersOutside,omitempty"`
	OutsideByRole    map[string]int64 `json:"outsideByRole,omitempty"`
	// PromisedThrough is the last moment at which a connection may come by a promise
	// that was shed while it was open.
	PromisedThrough epoch.Instant `json:"promisedThrough,omitempty"`

	// OutsideRetryAt is when to go on dismissing the people outside the item.
	OutsideRetryAt epoch.Instant `json:"clearAt,omitempty"`
	// OutsideReviewAt is when to hold the people outside the item against a policy or
	// ban that came while they were in; 0: it is done.
	OutsideReviewAt epoch.Instant `json:"reviewAt,omitempty"`
	// StreamsReadAt is when the list of streams was read last, StreamsUnread how many
	// readings of it failed in a row.
	StreamsReadAt epoch.Instant `json:"streamsReadAt,omitempty"`
	StreamsUnread int           `json:"streamsUnread,omitempty"`
	// ReconciledAt is when the newest reading began with which the lesson was
	// reconciled.
	ReconciledAt epoch.Instant `json:"settledAt,omitempty"`
	ReadAt       epoch.Instant `json:"readAt,omitempty"` // when the newest reading of the list began
	// NotFound counts the readings in a row that were answered 404, NotFoundSince is
	// when the first of them began: after a while they are an empty list.
	NotFound      int           `json:"notFound,omitempty"`
	NotFoundSince epoch.Instant `json:"notFoundSince,omitempty"`
	// ListRefusedUntil is when a list that the platform refuses to show is worth
	// reading again.
	ListRefusedUntil epoch.Instant `json:"blindUntil,omitempty"`
	WatchAt          epoch.Instant `json:"watchAt,omitempty"` // when the list is to be compared next
	// Backlog: there may be people in the session that nothing but the list brings
	// into the item: they were told to go, or there was no place for them.
	Backlog       bool `json:"backlog,omitempty"`
	EmptyReadings int  `json:"empty,omitempty"` // complete empty readings in a row since the end
	// Tell is how far the log was told to the owner's backend; nil: nobody is told.
	Tell *Tell `json:"tell,omitempty"`
	// Due is when the sweep looks at the lesson: no later than the next moment at
	// which there is something to do, 0 when there is none.
	Due epoch.Instant `json:"due,omitempty"`
}

// State is where a connection stands with Usher.
type State string

// The states. A connection that has left keeps the state it left in.
const (
	ListedOnly        State = "unheard" // shown by Vonage, but its connectionCreated has not come
	Waiting           State = "waiting" // in, neither seated nor refused
	Seated            State = "seated"
	HeardAfterLeaving State = "passed"  // heard of too late to be decided: attendance, perhaps the clock
	Refused           State = "refused" // never seated, told to go
	Evicted           State = "ousted"  // was seated, told to go
)

// Conn is one connection.
type Conn struct {
	ID        string        `json:"id"`
	CreatedAt epoch.Instant `json:"createdAt"`
	HeardAt   epoch.Instant `json:"heardAt"` // by Usher's clock, its first sign of life

	User    string `json:"user,omitempty"` // "" is an unknown user
	Role    string `json:"role,omitempty"`
	Promise string `json:"promise,omitempty"` // the id in its data; the promise may have been used before
	// ByPromise: it came under a token of the promise that was still expected.
	ByPromise bool `json:"byPromise,omitempty"`
	Foreign   bool `json:"foreign,omitempty"`  // its token is not Usher's
	Observer  bool `json:"observer,omitempty"` // in without a seat

	State  State          `json:"state"`
	Reason journal.Reason `json:"reason,omitempty"` // why it was told to go
	// Reserved: its seat came by a promise, and is never taken for another.
	Reserved bool `json:"held,omitempty"`
	// Confirmed: its seat was given on the list's evidence; no late webhook takes it.
	Confirmed bool `json:"firm,omitempty"`
	// HeardLate: first heard of more than ten minutes after it was created.
	HeardLate bool `json:"old,omitempty"`
	// Unlogged: its first log line is still to be written.
	Unlogged bool `json:"untold,omitempty"`
	// PlaceAt and PlaceID are the place in the order that it took over from an
	// older connection of the same user; zero: its own.
	PlaceAt epoch.Instant `json:"placeAt,omitempty"`
	PlaceID string        `json:"placeId,omitempty"`

	Created        bool          `json:"created,omitempty"`   // connectionCreated was heard
	Destroyed      bool          `json:"destroyed,omitempty"` // connectionDestroyed was heard
	LeftAt         epoch.Instant `json:"leftAt,omitempty"`    // 0 while it is in
	BackAt         epoch.Instant `json:"backAt,omitempty"`    // when it was shown again after it had been taken for gone
	LeftLowerBound bool          `json:"bound,omitempty"`     // LeftAt is only the last moment it was proven in
	ShownAt        epoch.Instant `json:"shownAt,omitempty"`   // latest moment that it was proven in
	// WaitsSince is when it began to wait for a decision.
	WaitsSince epoch.Instant `json:"waitsSince,omitempty"`
	// DepartureHeardAt is when connectionDestroyed was heard, by Usher's clock, and
	// DepartureCheckAt when a reading has to confirm it; 0: it needs none.
	DepartureHeardAt epoch.Instant `json:"departureHeardAt,omitempty"`
	DepartureCheckAt epoch.Instant `json:"departureCheckAt,omitempty"`
	// CountedUntil is the end of its time that counted for the quorum before it was
	// taken for gone and came back as a newcomer.
	CountedUntil epoch.Instant `json:"countedUntil,omitempty"`
	// RefutedLeftAt is the time of a departure that the platform has refuted: that
	// one, heard again, is no news.
	RefutedLeftAt epoch.Instant `json:"refutedLeftAt,omitempty"`

	ListedAt epoch.Instant `json:"listedAt,omitempty"` // first reading that showed it while it was listed only

	// A connection that was told to go and is not proven gone:
	DisconnectRequestedAt epoch.Instant `json:"toldAt,omitempty"`  // when it was decided
	RetryAt               epoch.Instant `json:"retryAt,omitempty"` // when to ask again, or to look; 0: nothing to do
	Tries                 int           `json:"tries,omitempty"`   // requests that failed so far, and those made because the list showed it
	GivenUp               bool          `json:"givenUp,omitempty"` // it was asked to go for a day, and is asked no more

	Streams map[string]Stream `json:"streams,omitempty"`
}

// Stay is a time for which somebody counted for the quorum.
type Stay struct {
	Person string        `json:"person"` // see Conn.person
	Role   string        `json:"role,omitempty"`
	From   epoch.Instant `json:"from"`
	To     epoch.Instant `json:"to,omitempty"` // the first moment it counted no more; 0: it still does
}

// Stream is a stream that a connection publishes.
type Stream struct {
	Kind      policy.Kind   `json:"kind,omitempty"`
	CreatedAt epoch.Instant `json:"createdAt"`
	Made      bool          `json:"made,omitempty"` // streamCreated was heard
	Gone      bool          `json:"gone,omitempty"` // streamDestroyed was heard
	// AskedAt is when a forbidden stream was asked away, GraceEndsAt when its
	// connection goes unless it has stopped; 0: it is allowed.
	AskedAt     epoch.Instant `json:"askedAt,omitempty"`
	GraceEndsAt epoch.Instant `json:"graceEndsAt,omitempty"`
}

// Promise is a seat that is kept for a user who was given credentials, and after
// that the memory of the user.
type Promise struct {
	ID              string        `json:"id"`
	User            string        `json:"user"`
	Role            string        `json:"role,omitempty"`
	GivenAt         epoch.Instant `json:"givenAt"`
	Expires         epoch.Instant `json:"expires"`         // of its newest token
	ForExistingSeat bool          `json:"rides,omitempty"` // given for the seat that its user has, while it has one
	Released        bool          `json:"freed,omitempty"` // it holds no seat any more
	// Tokens is how many tokens were answered for it, as far as that was written; 0
	// is one. Came is how many connections came under it that one was expected for.
	Tokens int `json:"tokens,omitempty"`
	Came   int `json:"came,omitempty"`
	// AskedAt is when its user asked last, as far as that was written.
	AskedAt epoch.Instant `json:"askedAt,omitempty"`
	Used    string        `json:"used,omitempty"` // the connection that came under it
	// Observer: it holds no seat, for its role needs none.
	Observer bool `json:"observer,omitempty"`
}

// Record is an entry that a lesson remembers outside its item: exactly one of the
// pointers is set. Ids of connections stand as they are, promises as "p:ID",
// digests as "e:DIGEST", users that are in outside the item as "u:USER". Bans are the
// room's, and are "b:USER" among a lesson's.
type Record struct {
	ID      string        `json:"id"`
	Conn    *Conn         `json:"conn,omitempty"`
	Promise *Promise      `json:"promise,omitempty"`
	Seen    epoch.Instant `json:"seen,omitempty"`
	// Holder is the connection by which a user is in.
	Holder string `json:"holder,omitempty"`
	Ban    *Ban   `json:"-"` // loaded beside the lesson's own records
}

// Shed names all that leaves a lesson's item: the first Lines log lines (chunks of
// eight, or none), and Records with their ids. Conns, Promises and Seen name the
// entries to remove.
type Shed struct {
	Lines          int
	Records        []Record
	Conns          []string
	Promises       []string
	Seen           []string
	ShedThrough    epoch.Instant // the lesson's new one
	PresentOutside int64         // added to the lesson's
	// ObserversOutside and OutsideByRole are added to the lesson's, too.
	ObserversOutside int64
	OutsideByRole    map[string]int64
	// PromisedThrough is the lesson's new one, where it is later.
	PromisedThrough epoch.Instant
}
