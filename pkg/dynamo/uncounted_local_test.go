//go:build verify

package dynamo

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
	"usher/pkg/room"
)

// uncounted says that an item whose bytes and roles nobody has counted, as older
// programs left it, takes in arrivals and sheds like any other.
func uncounted(t *testing.T, client *dynamodb.Client) {
	for name, write := range map[string]func(*Store, lesson.Lesson) (lesson.Lesson, error){
		"add": func(s *Store, l lesson.Lesson) (lesson.Lesson, error) {
			return s.Add(t.Context(), lesson.Arrival{
				Session: l.Session, Conn: lesson.Conn{ID: "b", State: lesson.Seated, CreatedAt: 9, Created: true},
				Line: journal.Line{At: 9, Event: journal.ConnectionCreated, Connection: "b", Action: journal.DidSeat},
			})
		},
		"add in a role with a cap": func(s *Store, l lesson.Lesson) (lesson.Lesson, error) {
			return s.Add(t.Context(), lesson.Arrival{
				Session: l.Session, Conn: lesson.Conn{ID: "b", State: lesson.Seated, CreatedAt: 9, Created: true, Role: "student"},
				Line:       journal.Line{At: 9, Event: journal.ConnectionCreated, Connection: "b", Action: journal.DidSeat},
				RoleCapped: true,
			})
		},
		"shed of somebody whose role has a cap": func(s *Store, l lesson.Lesson) (lesson.Lesson, error) {
			c := l.Conns["in"]
			return s.Shed(t.Context(), l, lesson.Shed{Conns: []string{"in"}, Records: []lesson.Record{{ID: "in", Conn: &c}}, ShedThrough: 3})
		},
		"shed": func(s *Store, l lesson.Lesson) (lesson.Lesson, error) {
			c := l.Conns["a"]
			return s.Shed(t.Context(), l, lesson.Shed{Conns: []string{"a"}, Records: []lesson.Record{{ID: "a", Conn: &c}}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, l := on(client), lesson.Lesson{
				Session: "s-" + name, Room: "r-" + name, Status: journal.Running, StartedAt: 1, Due: 99,
				Policy: policy.Stored(`{"maxSeats":9,"maxByRole":{"student":3}}`), Rules: policy.Rules{{Quorum: 2}},
				Conns: map[string]lesson.Conn{
					"a":  {ID: "a", State: lesson.Seated, CreatedAt: 2, LeftAt: 3},
					"in": {ID: "in", State: lesson.Seated, CreatedAt: 3, Role: "student"},
				},
				Promises: map[string]lesson.Promise{}, Seen: map[string]epoch.Instant{},
			}
			if err := s.Commit(t.Context(), room.Change{Room: room.Room{Name: l.Room}, Create: true, Start: &l}); err != nil {
				t.Fatal(err)
			}
			if _, err := client.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
				TableName: ptr(tableName), Key: lessonKey(l.Session),
				UpdateExpression:         ptr("REMOVE #bytes, #roles"),
				ExpressionAttributeNames: map[string]string{"#bytes": "bytes", "#roles": "roles"},
			}); err != nil {
				t.Fatal(err)
			}
			got, err := write(s, l)
			if err != nil {
				t.Fatal(err)
			}
			i, err := s.get(t.Context(), "test", lessonKey(l.Session))
			if err != nil {
				t.Fatal(err)
			}
			var g gate
			if gateFields(reader(i), &g); g.size != got.Size() {
				t.Errorf("stored are %d bytes, the rules count %d", g.size, got.Size())
			}
			if name != "add" && name != "shed" && !rolesStand(g.Roles, got.Gate().Roles, false) {
				t.Errorf("stored are the roles %v, the rules count %v", g.Roles, got.Gate().Roles)
			}
		})
	}
}
