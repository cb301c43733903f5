package api

import (
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"usher/pkg/doorkeeper"
	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

// Lesson is one lesson of a room. An absent value is null, never missing.
type Lesson struct {
	SessionID string           `json:"sessionId"`
	OpenedAt  *string          `json:"openedAt"`
	StartedAt *string          `json:"startedAt"`
	EndedAt   *string          `json:"endedAt"`
	Outcome   *journal.Outcome `json:"outcome"`
}

// lessonPage is a page of lessons; Next is what to pass as after.
type lessonPage struct {
	Lessons []Lesson `json:"lessons"`
	Next    string   `json:"next"`
}

func showLesson(l lesson.Lesson) Lesson {
	return Lesson{l.Session, stamp(l.Created), stamp(l.StartedAt), stamp(l.EndedAt), orNull(l.Outcome)}
}

func showLessons(p doorkeeper.LessonPage) lessonPage {
	return lessonPage{each(p.Lessons, showLesson), placeOf(p.Next)}
}

func (s *server) lessons(w http.ResponseWriter, c call) error {
	q := queryOf(c.Request)
	after, limit := q.opening("after"), q.limit()
	if q.err != nil {
		return q.err
	}
	page, err := s.Service.LessonsOf(c.Context(), c.room, after, limit)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, showLessons(page))
}

// placeOf is how a place in the list of lessons is written: when the lesson began, in
// milliseconds, a dash, and its session.
func placeOf(o room.Opening) string {
	if o == (room.Opening{}) {
		return ""
	}
	return strconv.FormatInt(int64(o.At), 10) + "-" + o.Session
}

// opening is the place that placeOf wrote; zero where there is none.
func (q *query) opening(name string) room.Opening {
	v, _ := q.one(name)
	began, session, found := strings.Cut(v, "-")
	at, err := strconv.ParseInt(began, 10, 64)
	o := room.Opening{At: epoch.Instant(at), Session: session}
	switch {
	case v == "":
		return room.Opening{}
	case !found || err != nil || at < 0 || session == "" || utf8.RuneCountInString(session) > longestText || !utf8.ValidString(session) || placeOf(o) != v:
		q.wrong(name, "%s must be the next of a page of lessons, not %q", name, clip(v))
	}
	return o
}
