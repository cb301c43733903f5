//go:build verify

package dynamo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/room"
	"usher/pkg/room/storetest"
)

var errCut = errors.New("the answer was cut off")

// cut fails the nth write, before it is sent or, where applied is set, after it
// was carried out.
func cut(client API, nth int, applied bool) API {
	return hooked{client, func(in any, send func() error) error {
		switch in.(type) {
		case *dynamodb.UpdateItemInput, *dynamodb.BatchWriteItemInput, *dynamodb.TransactWriteItemsInput:
			nth--
			if nth != 0 {
				return send()
			}
			if applied {
				return cmp.Or(send(), errCut)
			}
			return errCut
		}
		return send()
	}}
}

// write is a write of the store and what it makes of a lesson.
type write struct {
	name   string
	writes int // how many requests
	do     func(context.Context, room.Store, lesson.Lesson) error
	want   func(lesson.Lesson) lesson.Lesson
}

func theWrites() []write {
	arrival := lesson.Arrival{
		PolicyVersion: 1, Conn: lesson.Conn{ID: "c9", User: "di", State: lesson.Seated, CreatedAt: 99},
		Line: journal.Line{At: 99, Event: journal.ConnectionCreated, Connection: "c9", Action: journal.DidSeat},
	}
	shed := lesson.Shed{Conns: []string{"c1"}, Records: []lesson.Record{{ID: "c1", Conn: &lesson.Conn{ID: "c1"}}}}
	ended := func(l lesson.Lesson) lesson.Lesson { l.Status = journal.Ended; return l }
	next := func(l lesson.Lesson) lesson.Lesson { l = ended(l); l.Revision++; return l }
	return []write{
		{"add", 1, func(ctx context.Context, s room.Store, l lesson.Lesson) error {
			a := arrival
			a.Session = l.Session
			_, err := s.Add(ctx, a)
			return err
		}, arrival.Into},
		{"leave", 1, func(ctx context.Context, s room.Store, l lesson.Lesson) error {
			_, err := s.Leave(ctx, leaving(l))
			return err
		}, func(l lesson.Lesson) lesson.Lesson { return leaving(l).Into(l) }},
		{"swap", 1, func(ctx context.Context, s room.Store, l lesson.Lesson) error {
			_, err := s.Swap(ctx, ended(l))
			return err
		}, next},
		{"shed", 2, func(ctx context.Context, s room.Store, l lesson.Lesson) error {
			_, err := s.Shed(ctx, l, shed)
			return err
		}, shed.Apply},
		{"commit", 1, func(ctx context.Context, s room.Store, l lesson.Lesson) error {
			l = ended(l)
			return s.Commit(ctx, room.Change{Room: room.Room{Name: l.Room, Revision: 1}, Swap: &l})
		}, next},
	}
}

// leaving is the departure of the one who is in.
func leaving(l lesson.Lesson) lesson.Departure {
	c := l.Conns["c1"]
	c.Destroyed, c.LeftAt = true, 9
	return lesson.Departure{
		Session: l.Session, PolicyVersion: l.PolicyVersion, Status: l.Status, StartedAt: l.StartedAt,
		Was: l.Conns["c1"], Conn: c, Line: journal.Line{At: 9, Connection: "c1", Action: journal.DidLeave},
	}
}

// cutWrites has every write of the store fail once, carried out and not,
// and then does it again.
func cutWrites(t *testing.T, client *dynamodb.Client) {
	for _, w := range theWrites() {
		for n := 1; n <= w.writes; n++ {
			for _, applied := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/write %d/applied %t", w.name, n, applied), func(t *testing.T) {
					cutWrite(t, client, w, cut(client, n, applied), applied && n == w.writes)
				})
			}
		}
	}
}

// cutWrite does the write through the API that cuts it, and then again; done
// says whether it is carried out the first time.
func cutWrite(t *testing.T, client *dynamodb.Client, w write, api API, done bool) {
	whole := on(client)
	l := begun(t, whole)
	if err := w.do(t.Context(), on(api), l); !errors.Is(err, room.ErrUnavailable) || !errors.Is(err, errCut) {
		t.Fatalf("error is %v, want unavailable", err)
	}
	want := l
	if done {
		want = w.want(l)
	}
	holds(t, whole, want)
	err := w.do(t.Context(), whole, l)
	var lost *room.Conflict
	if errors.As(err, &lost) != done || (err == nil) == done {
		t.Errorf("again: error is %v; it was carried out: %t", err, done)
	}
	holds(t, whole, w.want(l))
	gateStands(t, t, client, l.Session)
}

// begun is a running lesson with one connection.
func begun(t *testing.T, s room.Store) lesson.Lesson {
	t.Helper()
	l := lesson.Lesson{
		Session: t.Name(), Room: "r-" + t.Name(), PolicyVersion: 1, Status: journal.Running, StartedAt: 1, Due: 7,
		Conns:    map[string]lesson.Conn{"c1": {ID: "c1", State: lesson.Seated, CreatedAt: 2, User: "ann"}},
		Promises: map[string]lesson.Promise{}, Seen: map[string]epoch.Instant{},
	}
	if err := s.Commit(t.Context(), room.Change{Room: room.Room{Name: l.Room}, Create: true, Start: &l}); err != nil {
		t.Fatal(err)
	}
	return l
}

func holds(t *testing.T, s room.Store, want lesson.Lesson) {
	t.Helper()
	got, _, err := s.Lesson(t.Context(), want.Session)
	if err != nil {
		t.Fatal(err)
	}
	if d := storetest.Diff(want, got); d != "" {
		t.Fatalf("the stored lesson is different (-want +got):\n%s", d)
	}
}

// newerStays: no write of this release touches what a newer one wrote, also where it
// remembers it from before.
func newerStays(t *testing.T, client *dynamodb.Client) {
	s := on(client)
	for _, w := range theWrites() {
		t.Run(w.name, func(t *testing.T) {
			l := begun(t, s)
			for _, k := range []item{lessonKey(l.Session), roomKey(l.Room)} {
				_, err := client.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
					TableName: ptr(tableName), Key: k,
					UpdateExpression:          ptr("SET #schema = :v"),
					ExpressionAttributeNames:  map[string]string{"#schema": "schema"},
					ExpressionAttributeValues: item{":v": number(room.SchemaRead + 1)},
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			before, err := s.get(t.Context(), "test", lessonKey(l.Session))
			if err != nil {
				t.Fatal(err)
			}
			var lost *room.Conflict
			if err := w.do(t.Context(), s, l); !errors.Is(err, room.ErrUnavailable) && !errors.As(err, &lost) {
				t.Errorf("error is %v", err)
			}
			after, err := s.get(t.Context(), "test", lessonKey(l.Session))
			if err != nil || !reflect.DeepEqual(before, after) {
				t.Errorf("the lesson was touched: %v, %v", after, err)
			}
			if _, _, err := s.Lesson(t.Context(), l.Session); !errors.Is(err, room.ErrUnavailable) {
				t.Errorf("it is decided about: %v", err)
			}
			if shown, err := s.Lessons(t.Context(), []string{l.Session}); err != nil || shown[l.Session].Room != l.Room {
				t.Errorf("it is not shown: %v", err)
			}
		})
	}
}

// unknownStay: a newer version's attributes live through every
// write of this one.
func unknownStay(t *testing.T, client *dynamodb.Client) {
	s := on(client)
	for _, w := range theWrites() {
		t.Run(w.name, func(t *testing.T) {
			l := begun(t, s)
			mark(t, client, "L#"+l.Session, "lesson")
			mark(t, client, "rooms", l.Room)
			if err := w.do(t.Context(), s, l); err != nil {
				t.Fatal(err)
			}
			marked(t, client, "L#"+l.Session, "lesson")
			marked(t, client, "rooms", l.Room)
		})
	}
}
