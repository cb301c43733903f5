package web

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"usher/pkg/problem"
	"usher/pkg/room"
)

// notice is a page instead of the one that was asked for.
type notice struct {
	status int
	state  string // data-state of the page
	title  string
	text   string
	retry  bool // the page asks again by itself
	again  bool // it offers to try again
}

// soon is after how long a page asks again where nobody says when, and
// seldom the longest it waits.
const (
	soon   = 5 * time.Second
	seldom = time.Minute
)

var (
	nowhere = notice{404, "not-found", "There is nothing here", "Check the address.", false, false}
	fault   = notice{500, "failed", "Something went wrong", "It has been recorded. Try again in a while.", false, true}
	away    = notice{503, "unavailable", "The room cannot be reached right now", "This page tries again by itself.", true, true}
	refused = notice{403, "refused", "You cannot come in", "", false, true}
)

var notices = map[problem.Code]notice{
	problem.NoSuchRoom:          {404, "no-such-room", "There is no such room", "Check the address, or ask who sent it to you.", false, false},
	problem.RoomFull:            {409, "room-full", "The room is full", "All seats are taken. This page tries again by itself.", true, true},
	problem.DuplicateUser:       {409, "refused", "You are in already", "You have this room open somewhere else.", false, true},
	problem.LessonOver:          {410, "lesson-over", "The lesson is over", "Everyone has been disconnected. A demo room opens again ten seconds after its end.", false, true},
	problem.TooManyRequests:     {429, "unavailable", "Too many people knock at once", "This page tries again by itself.", true, true},
	problem.PlatformUnavailable: away,
}

// fail shows why there is no page. Text from inside goes to the log only.
func (s *site) fail(w http.ResponseWriter, r *http.Request, err error) {
	var p *problem.Details
	if !errors.As(err, &p) {
		n := fault
		if errors.Is(err, room.ErrUnavailable) {
			n = away
		}
		s.Log.ErrorContext(r.Context(), "page", "path", r.URL.Path, "error", err)
		s.refuse(w, r, n)
		return
	}
	n, ok := notices[p.Code]
	if !ok {
		n = refused
		n.text = p.Detail
	}
	s.refuseFor(w, r, n, p.RetryAfter)
}

func (s *site) refuse(w http.ResponseWriter, r *http.Request, n notice) { s.refuseFor(w, r, n, 0) }

func (s *site) refuseFor(w http.ResponseWriter, r *http.Request, n notice, after time.Duration) {
	p := page{Title: n.title, State: n.state, Text: n.text, Again: n.again}
	if n.retry {
		if after <= 0 {
			after = soon
		}
		p.Retry = int((min(after, seldom) + time.Second - 1) / time.Second)
		w.Header().Set("Retry-After", strconv.Itoa(p.Retry))
	}
	s.show(w, r, n.status, consolePolicy, "notice", p)
}
