package api

import (
	"encoding/json"
	"testing"
	"time"

	"usher/pkg/doorkeeper"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
	"usher/pkg/room"
)

func wantJSON(t *testing.T, v any, want string) {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil || string(raw) != want {
		t.Errorf("shown as %s, %v\nwant     %s", raw, err, want)
	}
}

// running is a room in which two people are in, one of them waiting, 58.5 s
// before the end.
func running() doorkeeper.Snapshot {
	l := &lesson.Lesson{Session: "2_MX4x", Room: "maths", Status: journal.Running, StartedAt: noon, FixedEnd: noon.Add(time.Minute)}
	seated := lesson.Conn{
		ID: "c1", State: lesson.Seated, CreatedAt: noon + 1,
		Streams: map[string]lesson.Stream{
			"s2": {Kind: policy.Screen, Made: true}, "s1": {Kind: policy.Camera, Made: true}, "s0": {Made: true, Gone: true}, "s3": {Gone: true},
		},
	}
	waiting := lesson.Conn{ID: "c2", State: lesson.Waiting, User: "bob <&>", Role: "student"}
	l.Conns = map[string]lesson.Conn{"c2": waiting, "c1": seated, "c0": {ID: "c0", State: lesson.Seated, CreatedAt: noon, LeftAt: noon + 1}}
	return doorkeeper.Snapshot{
		Room: room.Room{
			Name: "maths", Session: "2_MX4x", Created: noon, Revision: 7,
			Policy: policy.Stored(`{"allowedUsers":null,"maxSeats":2,  "lessonSeconds":60}`),
		},
		Lesson: l, Connections: []lesson.Conn{seated, waiting}, At: noon.Add(1500 * time.Millisecond),
	}
}

const (
	runningSummary = `"room":"maths","sessionId":"2_MX4x","status":"running","outcome":null,"seats":1,"promised":0,"waiting":1,` +
		`"startedAt":"2026-12-01T12:00:00.000Z","endsAt":"2026-12-01T12:01:00.000Z","secondsLeft":59`
	runningConnections = `[{"id":"c1","user":null,"role":null,"observer":false,"state":"seated","joinedAt":"2026-12-01T12:00:00.001Z",` +
		`"streams":[{"id":"s1","kind":"camera"},{"id":"s2","kind":"screen"}]},` +
		`{"id":"c2","user":"bob \u003c\u0026\u003e","role":"student","observer":false,"state":"waiting","joinedAt":null,"streams":[]}]`
)

func TestARoomIsShown(t *testing.T) {
	t.Run("running", func(t *testing.T) {
		wantJSON(t, showRoom(running()), `{`+runningSummary+`,"connections":`+runningConnections+`,"policy":{"maxSeats":2,"lessonSeconds":60}}`)
	})
	t.Run("ended", func(t *testing.T) {
		s := running()
		s.Lesson.Status, s.Lesson.Outcome, s.Lesson.Conns = journal.Ended, journal.Completed, nil
		s.Connections, s.Room.Policy = nil, policy.Policy{}
		wantJSON(t, showRoom(s), `{"room":"maths","sessionId":"2_MX4x","status":"ended","outcome":"completed","seats":0,"promised":0,"waiting":0,`+
			`"startedAt":"2026-12-01T12:00:00.000Z","endsAt":"2026-12-01T12:01:00.000Z","secondsLeft":null,"connections":[],"policy":{}}`)
	})
	const nobody = `"seats":0,"promised":0,"waiting":0,"startedAt":null,"endsAt":null,"secondsLeft":null,"connections":[],"policy":{}}`
	for want, r := range map[string]room.Room{
		`{"room":"new","sessionId":null,"status":"open","outcome":null,`:            {Name: "new"},
		`{"room":"closed","sessionId":null,"status":"ended","outcome":"admin",`:     {Name: "closed", Closed: noon},
		`{"room":"forgotten","sessionId":"1_x","status":"ended","outcome":"admin",`: {Name: "forgotten", Session: "1_x"},
	} {
		t.Run(r.Name, func(t *testing.T) { wantJSON(t, showRoom(doorkeeper.Snapshot{Room: r, At: noon}), want+nobody) })
	}
}

func TestPagesAreShown(t *testing.T) {
	wantJSON(t, showRooms(doorkeeper.RoomPage{Rooms: []doorkeeper.Snapshot{running()}, Next: "maths"}), `{"rooms":[{`+runningSummary+`}],"next":"maths"}`)
	wantJSON(t, showRooms(doorkeeper.RoomPage{}), `{"rooms":[],"next":""}`)
	wantJSON(t, showConnectionPage(doorkeeper.ConnPage{Connections: running().Connections, Next: "c2"}), `{"connections":`+runningConnections+`,"next":"c2"}`)
	wantJSON(t, showConnectionPage(doorkeeper.ConnPage{Next: "z"}), `{"connections":[],"next":"z"}`)
}
