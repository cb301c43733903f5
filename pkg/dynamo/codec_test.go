package dynamo

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
	"usher/pkg/room"
	"usher/pkg/room/storetest"
)

// stored gives the item of l as the table would.
func stored(l lesson.Lesson) item {
	i, _ := whole(l, 1)
	maps.Copy(i, lessonKey(l.Session))
	return i
}

func lessonComesBack(t *rapid.T) {
	l := storetest.Lesson(t)
	got, err := decodeLesson(stored(l))
	if err != nil {
		t.Fatal(err)
	}
	if d := storetest.Diff(l, got); d != "" {
		t.Fatalf("the lesson is different (-want +got):\n%s", d)
	}
}

func TestLessonComesBack(t *testing.T) { rapid.Check(t, lessonComesBack) }

func FuzzLessonComesBack(f *testing.F) { f.Fuzz(rapid.MakeFuzz(lessonComesBack)) }

func TestRecordComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		conn := storetest.ConnOf(t, "c1")
		s := New(&stub{}, "t")
		for _, r := range []lesson.Record{
			{ID: "c1", Conn: &conn},
			{ID: "p:p1", Promise: &lesson.Promise{ID: "p1", User: "ann", Used: "c1"}},
			{ID: "e:d", Seen: 7},
			{ID: "u:ann", Holder: "c1"},
			{ID: "u:bo"},
			{ID: "other", Conn: &conn},
		} {
			got, err := decodeRecord(s.recordItem("s", r))
			if err != nil {
				t.Fatal(err)
			}
			if d := storetest.Diff(r, got); d != "" {
				t.Fatalf("the record is different (-want +got):\n%s", d)
			}
		}
	})
}

func TestBanComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := storetest.BanOf(t, rapid.SampledFrom([]string{"ann", "u#", "a/b#c", "😀"}).Draw(t, "user"))
		got, err := decodeBan(New(nil, "").banItem("math", b))
		if err != nil || got != b {
			t.Fatalf("stored was %+v, read %+v, %v", b, got, err)
		}
	})
}

// TestBanExpires: 90 days after its end, if it has one.
func TestBanExpires(t *testing.T) {
	for until, want := range map[epoch.Instant]any{0: nil, 1_700_000_000_999: json.Number("1707776000")} {
		if got := plain(New(nil, "").banItem("math", lesson.Ban{User: "ann", Until: until})["expires"]); got != want {
			t.Errorf("a ban until %v expires at %v, want %v", until, got, want)
		}
	}
}

// TestWhatExpires: what is beside a lesson, and the lesson once it has ended,
// 90 days after the last write.
func TestWhatExpires(t *testing.T) {
	s := New(&stub{}, "t", Clock(func() epoch.Instant { return 1_700_000_000_999 }))
	const want = "1707776000"
	l := lesson.Lesson{Session: "s", Status: journal.Running, Due: 1, Tail: make([]journal.Line, 8)}
	for _, i := range s.leaving(l, lesson.Shed{Lines: 8, Records: []lesson.Record{{ID: "e:d", Seen: 1}}}) {
		if got := plain(i["expires"]); got != json.Number(want) {
			t.Errorf("%v expires at %v, want %s", i, got, want)
		}
	}
	for _, status := range []journal.Status{journal.Open, journal.Running, journal.Ended} {
		l.Status = status
		for _, u := range []*update{s.swapped(l), s.removal(l, lesson.Shed{})} {
			var values []any
			for _, v := range u.values {
				values = append(values, plain(v))
			}
			if slices.Contains(values, any(json.Number(want))) != (status == journal.Ended) {
				t.Errorf("%s: the write has %v", status, *u.expression())
			}
		}
	}
}

// TestRetention: everything that expires does so by the setting, and the entry of a lesson
// in its room's list no sooner than the lesson.
func TestRetention(t *testing.T) {
	s := New(&stub{}, "t", Clock(func() epoch.Instant { return 1_700_000_000_999 }), Retention(10*24*time.Hour))
	const want, twice = json.Number("1700864000"), json.Number("1701728000")
	l := lesson.Lesson{Session: "s", Room: "maths", Status: journal.Ended, Tail: make([]journal.Line, 8)}
	beside := s.leaving(l, lesson.Shed{Lines: 8, Records: []lesson.Record{{ID: "e:d", Seen: 1}}})
	for _, i := range append(beside, s.startWrite(l).Item, s.banItem("maths", lesson.Ban{User: "ann", Until: 1_700_000_000_999})) {
		if got := plain(i["expires"]); got != want {
			t.Errorf("%v expires at %v, want %s", i, got, want)
		}
	}
	if got := plain(s.openingWrite(l).Item["expires"]); got != twice {
		t.Errorf("the entry of the lesson expires at %v, want %s", got, twice)
	}
}

// junk draws an attribute of any kind, a few levels deep.
func junk(t *rapid.T, depth int) types.AttributeValue {
	kinds := 9
	if depth > 3 {
		kinds = 7
	}
	switch rapid.IntRange(0, kinds).Draw(t, "kind") {
	case 0:
		return nil
	case 1:
		return &types.AttributeValueMemberNULL{Value: true}
	case 2:
		return &types.AttributeValueMemberB{Value: []byte("b")}
	case 3:
		return &types.AttributeValueMemberSS{Value: []string{"s"}}
	case 4:
		return &types.AttributeValueMemberBOOL{Value: true}
	case 5:
		return &types.AttributeValueMemberN{Value: rapid.SampledFrom([]string{"1", "-0", "1e3", "99999999999999999999", ""}).Draw(t, "n")}
	case 6, 7:
		return str(rapid.String().Draw(t, "s"))
	case 8:
		var l []types.AttributeValue
		for range rapid.IntRange(0, 3).Draw(t, "length") {
			l = append(l, junk(t, depth+1))
		}
		return &types.AttributeValueMemberL{Value: l}
	}
	return &types.AttributeValueMemberM{Value: junkItem(t, depth+1)}
}

// attributes are names that mean something, and one that does not.
var attributes = []string{
	"pk", "sk", "room", "own", "created", "policy", "rules", "conns", "promises", "seen", "tail", "streams", "session",
	"bans", "bansToKeep", "outsideByRole", "roles", "until",
	"conn", "promise", "holder", "lines", "c1", "base", "live", "users", "dueAt", "unknown",
}

func junkItem(t *rapid.T, depth int) item {
	i := item{}
	for range rapid.IntRange(0, 4).Draw(t, "attributes") {
		i[rapid.SampledFrom(attributes).Draw(t, "name")] = junk(t, depth)
	}
	return i
}

// anyItem reads what nobody wrote: that may fail, and no more.
func anyItem(t *rapid.T) {
	i := junkItem(t, 0)
	if rapid.Bool().Draw(t, "a lesson") {
		maps.Copy(i, stored(storetest.Lesson(t)))
		name := rapid.SampledFrom(slices.Sorted(maps.Keys(i))).Draw(t, "spoilt")
		i[name] = junk(t, 0)
	}
	if rapid.Bool().Draw(t, "a chunk") {
		maps.Copy(i, key("L#s", chunkSort(9)))
	}
	l, err := decodeLesson(i)
	if err == nil && (l.Conns == nil || l.Promises == nil || l.Seen == nil) {
		t.Fatal("a map is nil")
	}
	_, _ = decodeRoom(i)
	_, _ = decodeRecord(i)
	_, _ = decodeChunk(i)
	_, _ = decodeBan(i)
	gateFields(reader(i), &gate{})
}

func TestAnyItem(t *testing.T) { rapid.Check(t, anyItem) }

func FuzzAnyItem(f *testing.F) { f.Fuzz(rapid.MakeFuzz(anyItem)) }

func TestWrongAttributeIsNamed(t *testing.T) {
	i := stored(lesson.Lesson{Session: "s1", Conns: map[string]lesson.Conn{"c1": {ID: "c1"}}})
	i["conns"].(*types.AttributeValueMemberM).Value["c1"].(*types.AttributeValueMemberM).Value["state"] = number(1)
	_, err := decodeLesson(i)
	for _, part := range []string{`"L#s1"`, "conns", "c1", `"state"`, "string"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error is %v; it does not name %s", err, part)
		}
	}
}

// TestItemIsReadable shows what a person finds in the console.
func TestItemIsReadable(t *testing.T) {
	const want = `{"added":0,"after":5,"base":8,"bucket":"1","bytes":2081,"conns":{"c1":{"at":6,"created":true,"heard":7,` +
		`"state":"seated","streams":{"st":{"at":8,"kind":"camera","made":true}},"user":"ann"}},"created":4,` +
		`"dueAt":9,"limit":2,"live":1,"outside":0,"pk":"L#s1","policy":"{\"maxSeats\":2}","policyVersion":1,` +
		`"promises":{},"revision":3,"room":"math","rules":[{"quorum":2,"since":4}],"schema":1,"seen":{"d":1},"shed":0,"sk":"lesson",` +
		`"startedAt":5,"status":"running","tail":[{"action":"seated","at":7,"conn":"c1","event":"connectionCreated","user":"ann"}],` +
		`"users":{"ann":1}}`
	l := lesson.Lesson{
		Session: "s1", Room: "math", Created: 4, Revision: 3, Policy: policy.Stored(`{"maxSeats":2}`), PolicyVersion: 1,
		Rules: []policy.Rule{{Since: 4, Quorum: 2}}, Status: journal.Running, StartedAt: 5, Base: 8, Due: 9,
		Conns: map[string]lesson.Conn{"c1": {
			ID: "c1", CreatedAt: 6, HeardAt: 7, User: "ann", State: lesson.Seated, Created: true,
			Streams: map[string]lesson.Stream{"st": {Kind: policy.Camera, CreatedAt: 8, Made: true}},
		}},
		Seen: map[string]epoch.Instant{"d": 1},
		Tail: []journal.Line{{At: 7, Event: journal.ConnectionCreated, Connection: "c1", User: "ann", Action: journal.DidSeat}},
	}
	got, err := json.Marshal(plain(&types.AttributeValueMemberM{Value: stored(l)}))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("the item is\n%s\nwant\n%s", got, want)
	}
}

// plain gives an attribute without its type.
func plain(a types.AttributeValue) any {
	switch a := a.(type) {
	case *types.AttributeValueMemberS:
		return a.Value
	case *types.AttributeValueMemberN:
		return json.Number(a.Value)
	case *types.AttributeValueMemberBOOL:
		return a.Value
	case *types.AttributeValueMemberL:
		out := []any{}
		for _, e := range a.Value {
			out = append(out, plain(e))
		}
		return out
	case *types.AttributeValueMemberM:
		out := map[string]any{}
		for k, e := range a.Value {
			out[k] = plain(e)
		}
		return out
	}
	return nil
}

// TestNewerSchema: what a newer release wrote is not decided about, and shown as far as it
// is understood; what an older one wrote has no schema.
func TestNewerSchema(t *testing.T) {
	l := lesson.Lesson{Session: "s1", Room: "math", Status: journal.Running}
	for schema, known := range map[int64]bool{0: true, room.SchemaRead: true, room.SchemaRead + 1: false} {
		i := stored(l)
		if delete(i, "schema"); schema > 0 {
			i["schema"] = number(schema)
		}
		i["tomorrow"] = str("unknown")
		if _, err := decodeLesson(i); (err == nil) != known || !known && !errors.Is(err, room.ErrUnavailable) {
			t.Errorf("schema %d: decided about: %v", schema, err)
		}
		if _, err := decodeRoom(i); (err == nil) != known {
			t.Errorf("schema %d: a room is decided about: %v", schema, err)
		}
		if got, err := showLesson(i); err != nil || got.Room != "math" {
			t.Errorf("schema %d: shown as %+v, %v", schema, got, err)
		}
	}
}
