//go:build verify

package dynamo

import (
	"errors"
	"maps"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"pgregory.net/rapid"

	"usher/pkg/epoch"
	"usher/pkg/lesson"
	"usher/pkg/room"
	"usher/pkg/room/storetest"
)

// gateFollows says that after every write the stored gate is what the rules
// compile from the stored lesson. Where a user takes the seat of its own
// promise, live may stay higher; it is never lower.
func gateFollows(t *testing.T, client *dynamodb.Client) {
	s, n := on(client), 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		l := storetest.Lesson(r)
		l.Session, l.Room = "s"+epoch.Instant(n).String(), "r"+epoch.Instant(n).String()
		if err := s.Commit(t.Context(), room.Change{Room: room.Room{Name: l.Room}, Create: true, Start: &l}); err != nil {
			r.Fatal(err)
		}
		loaded := l
		for i := range 12 {
			switch rapid.SampledFrom([]string{"add", "add", "add", "leave", "leave", "shed", "load"}).Draw(r, "write") {
			case "add":
				_, err := s.Add(t.Context(), storetest.ArrivalFor(r, l, i))
				lostAtMost(r, err)
			case "leave":
				_, err := s.Leave(t.Context(), storetest.DepartureFor(r, l, i))
				lostAtMost(r, err)
			case "shed":
				_, err := s.Shed(t.Context(), loaded, storetest.ShedOf(r, loaded))
				lostAtMost(r, err)
			case "load":
				loaded = l
			}
			l = gateStands(t, r, client, l.Session)
		}
	})
}

// lostAtMost lets a lost race pass.
func lostAtMost(r *rapid.T, err error) {
	if c := new(*room.Conflict); err != nil && !errors.As(err, c) {
		r.Fatal(err)
	}
}

func gateStands(t *testing.T, r rapid.TB, client *dynamodb.Client, session string) lesson.Lesson {
	i, err := on(client).get(t.Context(), "test", lessonKey(session))
	if err != nil {
		r.Fatal(err)
	}
	l, err := decodeLesson(i)
	if err != nil {
		r.Fatal(err)
	}
	var got gate
	gateFields(reader(i), &got)
	maps.DeleteFunc(got.users, func(_ string, n int) bool { return n == 0 })
	want := compile(l)
	if got.Limit != want.Limit || got.size != want.size || !maps.Equal(got.users, want.users) ||
		want.Limit > 0 && !seatsStand(got.Gate, want.Gate, shares(l)) {
		r.Fatalf("the stored gate is %+v, the rules say %+v", got, want)
	}
	return l
}

// seatsStand says that the seats are counted as the rules do, or higher where they are
// shared. None of it matters while the limit is 0.
func seatsStand(got, want lesson.Gate, shares bool) bool {
	return got.CreatedAfter == want.CreatedAfter && liveStands(got.Live, want.Live, shares) && rolesStand(got.Roles, want.Roles, shares)
}

func liveStands(got, want int, shares bool) bool { return got == want || shares && got > want }

func rolesStand(got, want map[string]lesson.RoleGate, shares bool) bool {
	return maps.EqualFunc(got, want, func(got, want lesson.RoleGate) bool {
		return got.Limit == want.Limit && liveStands(got.Live, want.Live, shares)
	})
}

func shares(l lesson.Lesson) bool {
	for _, p := range l.Promises {
		if p.ForExistingSeat {
			return true
		}
	}
	return false
}
