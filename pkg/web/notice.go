package web

import (
	"cmp"
	"errors"
	"net/http"
	"strconv"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/problem"
	"usher/pkg/room"
)

// notice is a page instead of the one that was asked for. Its texts stand under its
// state: STATE.title and STATE.text.
type notice struct {
	status int
	state  string // data-state of the page
	retry  bool   // the page asks again by itself
	again  bool   // it offers to try again
}

// soon is after how long a page asks again where nobody says when, and
// seldom the longest it waits.
const (
	soon   = 5 * time.Second
	seldom = time.Minute
)

var (
	nowhere = notice{404, "not-found", false, false}
	fault   = notice{500, "failed", false, true}
	away    = notice{503, "unavailable", true, true}
	refused = notice{403, "refused", false, true} // with the refusal's own words
)

var notices = map[problem.Code]notice{
	problem.NoSuchRoom:          {404, "no-such-room", false, false},
	problem.RoomFull:            {409, "room-full", true, true},
	problem.DuplicateUser:       {409, "in-already", false, true},
	problem.LessonOver:          {410, "lesson-over", false, true},
	problem.TooEarly:            {403, "too-early", true, true},
	problem.Removed:             {403, "removed", false, false},
	problem.NotAllowed:          {403, "not-allowed", false, false},
	problem.TooManyRequests:     {429, "busy", true, true},
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
	}
	s.refuseFor(w, r, n, p)
}

func (s *site) refuse(w http.ResponseWriter, r *http.Request, n notice) {
	s.refuseFor(w, r, n, &problem.Details{})
}

func (s *site) refuseFor(w http.ResponseWriter, r *http.Request, n notice, why *problem.Details) {
	texts, err := textsOf("notice")
	if err != nil {
		s.broken(w, r, "notice", err)
		return
	}
	p := page{Title: texts[n.state+".title"], State: n.state, Text: cmp.Or(texts[n.state+".text"], why.Detail), Again: n.again}
	if n.retry {
		after := cmp.Or(max(why.RetryAfter, 0), soon)
		p.Time = epoch.Of(time.Now().Add(after))
		p.Retry = int((min(after, seldom) + time.Second - 1) / time.Second)
		w.Header().Set("Retry-After", strconv.Itoa(p.Retry))
	}
	s.show(w, r, n.status, consolePolicy, "notice", p)
}
