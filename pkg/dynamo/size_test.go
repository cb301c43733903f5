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
		d := lesson.Decide(l, lesson.End{Actor: strings.Repeat("a", 128)}, l.Created+1)
		noLess(t, d.Lesson)
		if n := sizeOf(stored(d.Lesson)); n > l.Size() {
			t.Fatalf("when it has ended, the item takes %d bytes; the rules counted %d", n, l.Size())
		}
	})
}

func noLess(t *rapid.T, l lesson.Lesson) {
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
	switch rapid.IntRange(0, 4).Draw(t, "kind") {
	case 0:
		c := storetest.ConnOf(t, "")
		if rapid.Bool().Draw(t, "all set") {
			c = lesson.Conn{
				State: c.State, Reason: journal.DuplicateUser, CreatedAt: at, HeardAt: at, ShownAt: at, Created: true,
				Foreign: true, Reserved: true, Confirmed: true, HeardLate: true, Unlogged: c.Unlogged,
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
			c.Streams[fmt.Sprint(text(250), i)] = lesson.Stream{Kind: policy.Camera, CreatedAt: at, Made: true, Gone: true}
		}
		l.Conns[c.ID] = c
	case 2:
		p := lesson.Promise{User: text(128), Role: text(32), Used: text(255), GivenAt: at, Expires: at, Tokens: 99, Came: 99, AskedAt: at, ForExistingSeat: true, Released: rapid.Bool().Draw(t, "freed")}
		for i := range many {
			p.ID = fmt.Sprint(text(26), i)
			l.Promises[p.ID] = p
		}
	case 3:
		line := journal.Line{
			At: at, EventAt: at, Event: text(255), Connection: text(255), Stream: text(255), User: text(128), Role: text(32),
			Action: journal.DidDisconnect, Reason: journal.DuplicateUser, Actor: text(128), Note: journal.Note(text(255)),
		}
		for range many {
			l.Tail = append(l.Tail, line)
		}
	case 4:
		l.Refusals = map[string]epoch.Instant{}
		for i := range many {
			l.Seen[fmt.Sprint(text(300), i)], l.Refusals[fmt.Sprint(text(300), i)] = at, at
		}
	}
}
