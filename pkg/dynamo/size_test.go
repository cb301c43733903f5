package dynamo

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
	"usher/pkg/room/storetest"
)

// sizeOf is what DynamoDB counts for an item (Amazon's documentation, "DynamoDB
// item sizes and formats"), numbers taken for a byte larger than it may.
func sizeOf(i item) int {
	n := 0
	for name, v := range i {
		n += len(name) + sizeOfValue(v)
	}
	return n
}

func sizeOfValue(v types.AttributeValue) int {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return len(v.Value)
	case *types.AttributeValueMemberN:
		return (len(v.Value)+1)/2 + 2
	case *types.AttributeValueMemberM:
		return 3 + len(v.Value) + sizeOf(v.Value)
	case *types.AttributeValueMemberL:
		n := 3
		for _, e := range v.Value {
			n += 1 + sizeOfValue(e)
		}
		return n
	}
	return 1
}

// TestSizeIsNoLessThanTheItems: what the rules count for a lesson is no less than
// its item, whatever it is full of, also after its end.
func TestSizeIsNoLessThanTheItems(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := storetest.Lesson(t)
		stuff(t, &l)
		noLess(t, l)
		sizedForItsEnd(t, l)
	})
}

// TestSizeHasRoomForStays: of connections that are over, the end keeps the stays where
// the clock pauses.
func TestSizeHasRoomForStays(t *testing.T) {
	const at epoch.Instant = 1_700_000_000_000
	for _, user := range []string{"", "u", strings.Repeat("u", 128)} {
		l := lesson.Lesson{
			Session: "s", Room: "r", Created: at, Status: journal.Running, StartedAt: at,
			Rules: policy.Rules{{Quorum: 1, Seconds: 60, Pauses: true}}, Conns: map[string]lesson.Conn{},
		}
		for i := range 200 {
			id := fmt.Sprint(strings.Repeat("c", 250), i)
			l.Conns[id] = lesson.Conn{
				ID: id, User: user, Role: "student", State: lesson.Evicted, Created: true, CreatedAt: at, HeardAt: at,
				DisconnectRequestedAt: at + 1, GivenUp: true,
			}
		}
		sizedForItsEnd(t, l)
	}
}

func sizedForItsEnd(t rapid.TB, l lesson.Lesson) {
	noLess(t, l)
	d := lesson.Decide(l, lesson.End{Actor: strings.Repeat("a", 128)}, l.Created+1)
	noLess(t, d.Lesson)
	if n := sizeOf(stored(d.Lesson)); n > l.Size() {
		t.Fatalf("when it has ended, the item takes %d bytes; the rules counted %d", n, l.Size())
	}
}

func noLess(t rapid.TB, l lesson.Lesson) {
	if n := sizeOf(stored(l)); n > l.Size() {
		t.Fatalf("the item takes %d bytes; the rules count %d", n, l.Size())
	}
}

// stuff fills the lesson with entries of one kind, so that an error in one of
// them is not lost among the others.
func stuff(t *rapid.T, l *lesson.Lesson) {
	text := func(n int) string { return strings.Repeat("x", rapid.SampledFrom([]int{1, n}).Draw(t, "length")) }
	at := l.Created + 1_700_000_000_000
	const many = 200
	kind := rapid.SampledFrom([]int{0, 1, 2, 3, 4, 5, 6, 7}).Draw(t, "kind")
	if kind >= 5 && rapid.Bool().Draw(t, "over") {
		l.Status = journal.Ended // no place is kept for the end any more
	}
	switch kind {
	case 0:
		c := storetest.ConnOf(t, "")
		if rapid.Bool().Draw(t, "all set") {
			c = lesson.Conn{
				State: c.State, Reason: journal.DuplicateUser, CreatedAt: at, HeardAt: at, ShownAt: at, Created: true,
				Foreign: true, Observer: true, Reserved: true, Confirmed: true, HeardLate: true, Unlogged: c.Unlogged,
				PlaceAt: at, ListedAt: at, BackAt: at, LeftAt: c.LeftAt, Destroyed: true, LeftLowerBound: true,
				ByPromise: true, WaitsSince: at, DepartureHeardAt: at, DepartureCheckAt: at, RefutedLeftAt: at,
				DisconnectRequestedAt: at, RetryAt: at, Tries: 999, GivenUp: true,
			}
		}
		c.User, c.Role, c.Promise, c.PlaceID = text(128), text(32), text(26), text(255)
		for i := range many {
			c.ID = fmt.Sprint(text(250), i)
			l.Conns[c.ID] = c
		}
	case 1:
		c := storetest.ConnOf(t, "streams")
		c.Streams = map[string]lesson.Stream{}
		for i := range many {
			c.Streams[fmt.Sprint(text(250), i)] = lesson.Stream{Kind: policy.Camera, CreatedAt: at, Made: true, Gone: true, AskedAt: at, GraceEndsAt: at}
		}
		l.Conns[c.ID] = c
	case 2:
		p := lesson.Promise{User: text(128), Role: text(32), Used: text(255), GivenAt: at, Expires: at, Tokens: 99, Came: 99, AskedAt: at, ForExistingSeat: true, Released: rapid.Bool().Draw(t, "freed"), Observer: true}
		for i := range many {
			p.ID = fmt.Sprint(text(26), i)
			l.Promises[p.ID] = p
		}
	case 3:
		line := journal.Line{
			At: at, EventAt: at, Event: text(255), Connection: text(255), Stream: text(255), User: text(128), Role: text(32),
			Action: journal.DidDisconnect, Reason: journal.DuplicateUser, Actor: text(128), Note: journal.Note(text(255)),
			Because: journal.Because(text(500)),
		}
		for range many {
			l.Tail = append(l.Tail, line)
		}
	case 4:
		l.Refusals = map[string]epoch.Instant{}
		for i := range many {
			l.Seen[fmt.Sprint(text(300), i)], l.Refusals[fmt.Sprint(text(300), i)] = at, at
		}
	case 5:
		l.BansToKeep = map[string]lesson.Ban{}
		for i := range many {
			user := fmt.Sprint(text(120), i)
			l.BansToKeep[user] = lesson.Ban{User: user, Until: at, At: at, Note: text(200), Actor: text(128)}
		}
	case 6:
		roles := make([]string, 64)
		l.OutsideByRole = map[string]int64{"": 15_000}
		for i := range roles {
			role := fmt.Sprint(text(30), i)
			roles[i], l.OutsideByRole[role] = fmt.Sprintf(`"%s":1`, role), 15_000
		}
		l.Policy = policy.Stored(`{"maxByRole":{` + strings.Join(roles, ",") + `}}`)
	case 7:
		once(l, at)
	}
}

// once sets all that is there once, and nothing else.
func once(l *lesson.Lesson, at epoch.Instant) {
	*l = lesson.Lesson{
		Session: l.Session, Room: l.Room, Own: true, Created: at, Revision: 1e6, Added: 1e6, PolicyVersion: 1e6,
		Status: l.Status, Outcome: journal.Completed, StartedAt: at, EndedAt: at, ExtendedMillis: int64(at), FixedEnd: at,
		RoomCreated: at, Bans: 1e6, Base: 1e6, Shed: 1e6, ShedThrough: at, PresentOutside: 1e6, ObserversOutside: 1e6, PromisedThrough: at,
		OutsideRetryAt: at, OutsideReviewAt: at, StreamsReadAt: at, StreamsUnread: 1e6, ReconciledAt: at, ReadAt: at,
		NotFound: 1e6, NotFoundSince: at, ListRefusedUntil: at, WatchAt: at, Backlog: true, EmptyReadings: 1e6, Due: at,
		BansToKeep: map[string]lesson.Ban{"u": {User: "u"}}, OutsideByRole: map[string]int64{"": 1},
		Conns: map[string]lesson.Conn{}, Promises: map[string]lesson.Promise{}, Seen: map[string]epoch.Instant{},
	}
}
