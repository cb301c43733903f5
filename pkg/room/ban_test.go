package room

import (
	"errors"
	"testing"

	"usher/pkg/journal"
	"usher/pkg/lesson"
)

// A ban that a lesson decided is kept once, where the lesson still has it, in the room that
// it was decided in.
func TestBanOfALessonIsKeptOnce(t *testing.T) {
	b := lesson.Ban{User: "ann", At: 20, Until: 90}
	r := Room{Name: "maths", Revision: 1, Created: 10, Session: "s"}
	begun := func(bans map[string]lesson.Ban) lesson.Lesson {
		l := lesson.New(lesson.Begin{Session: "s", Room: "maths", RoomCreated: 10}, journal.FromAPI, "", 15)
		l.BansToKeep = bans
		return l
	}
	decided, without := begun(map[string]lesson.Ban{"ann": b}), begun(nil)
	for name, c := range map[string]struct {
		l    lesson.Lesson
		ban  Ban
		want error
		kept int
	}{
		"as it was decided":         {decided, Ban{Ban: b, Session: "s", Created: 10}, nil, 1},
		"by a lesson of before":     {decided, Ban{Ban: b, Session: "s"}, nil, 1},
		"kept or lifted meanwhile":  {without, Ban{Ban: b, Session: "s", Created: 10}, ErrKept, 0},
		"of another room":           {decided, Ban{Ban: b, Session: "s", Created: 9}, ErrNoRoom, 0},
		"by a lesson that has left": {without, Ban{Ban: b, Session: "former", Created: 10}, nil, 1},
	} {
		c.ban.ByLesson = true
		d := Decide(r, &c.l, c.ban, Facts{Now: 30})
		if !errors.Is(d.Verdict, c.want) || len(d.Bans) != c.kept {
			t.Errorf("%s: %v, bans %v", name, d.Verdict, d.Bans)
		}
	}
}
