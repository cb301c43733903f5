package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// logs plays a server with a room and its logs.
type logs struct {
	mu    sync.Mutex
	room  string         // the present session
	lines map[string]int // how many lines each session has
	away  bool
	asked []time.Time
}

func (s *logs) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, time.Now())
	if s.away {
		return nil, errors.New("connection refused")
	}
	q := r.URL.Query()
	after, _ := strconv.Atoi(q.Get("after"))
	limit, _ := strconv.Atoi(q.Get("limit"))
	session := q.Get("sessionId")
	if session == "" {
		session = s.room
	}
	all, known := s.lines[session]
	if session != "" && !known {
		return answer(http.StatusBadRequest, `{"code":"invalid-field","detail":"no such lesson","field":"sessionId"}`), nil
	}
	p := LogPage{Events: []json.RawMessage{}, SessionID: session, Next: int64(after)}
	for n := after + 1; n <= all && len(p.Events) < limit; n++ {
		p.Events = append(p.Events, json.RawMessage(strconv.Itoa(n)))
		p.Next = int64(n)
	}
	body, _ := json.Marshal(p)
	return answer(http.StatusOK, string(body)), nil
}

func answer(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

func (s *logs) client() *Client {
	c := New("http://usher.test", func(context.Context) (string, error) { return "token", nil })
	c.http.Transport = s
	return c
}

// reader keeps what it is given: "SESSION FIRST-LAST".
type reader []string

func (r *reader) page(p LogPage) error {
	*r = append(*r, fmt.Sprintf("%s %s-%s", p.SessionID, p.Events[0], p.Events[len(p.Events)-1]))
	return nil
}

func TestLogIsReadToItsEnd(t *testing.T) {
	s := &logs{room: "s1", lines: map[string]int{"s1": 2500, "s0": 3}}
	var got reader
	if err := s.client().Log(t.Context(), "algebra", "", got.page); err != nil || !slices.Equal(got, []string{"s1 1-1000", "s1 1001-2000", "s1 2001-2500"}) {
		t.Errorf("%q, %v", got, err)
	}
	got = nil
	if err := s.client().Log(t.Context(), "algebra", "s0", got.page); err != nil || !slices.Equal(got, []string{"s0 1-3"}) {
		t.Errorf("%q, %v", got, err)
	}
	if err := s.client().Log(t.Context(), "algebra", "s9", got.page); !strings.Contains(fmt.Sprint(err), "no such lesson") {
		t.Errorf("%v", err)
	}
}

// TestFollow: each line once, over a restart of the server and into the room's next
// lesson, at most one look a second.
func TestFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &logs{lines: map[string]int{}}
		var got, troubles reader
		ctx, interrupt := context.WithCancel(t.Context())
		each := func(p LogPage) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			return got.page(p)
		}
		f := Follower{Client: s.client(), Room: "algebra", Each: each, Trouble: func(err error) {
			troubles = append(troubles, fmt.Sprint(err != nil))
		}}
		ended := make(chan error, 1)
		go func() { ended <- f.Follow(ctx) }()
		then := func(change func(), want ...string) {
			t.Helper()
			time.Sleep(20 * time.Second)
			synctest.Wait()
			s.mu.Lock()
			got, s.asked = nil, nil
			change()
			s.mu.Unlock()
			time.Sleep(20 * time.Second)
			synctest.Wait()
			s.mu.Lock()
			defer s.mu.Unlock()
			if !slices.Equal(got, want) {
				t.Errorf("read %q, want %q", got, want)
			}
			for i := 1; i < len(s.asked); i++ {
				if gap := s.asked[i].Sub(s.asked[i-1]); gap > 0 && gap < time.Second || gap > longestWait {
					t.Errorf("%v between two looks", gap)
				}
			}
		}
		then(func() {}) // nobody has come
		then(func() { s.room, s.lines["s1"] = "s1", 2 }, "s1 1-2")
		then(func() { s.lines["s1"] = 3 }, "s1 3-3")
		then(func() { s.lines["s1"] = 1200 }, "s1 4-1003", "s1 1004-1200")
		then(func() { s.away = true })
		then(func() { s.lines["s1"] = 1201 })
		then(func() { s.away = false }, "s1 1201-1201")
		then(func() { s.lines["s1"], s.lines["s2"], s.room = 1203, 5, "s2" }, "s1 1202-1203", "s2 1-5")
		then(func() { s.lines = map[string]int{"s3": 1}; s.room = "s3" }, "s3 1-1") // another room of the name
		interrupt()
		if err := <-ended; err != nil {
			t.Errorf("it ended with %v", err)
		}
		if !slices.Equal(troubles, []string{"true", "false"}) {
			t.Errorf("said %q of the server that was away", troubles)
		}
	})
}

// TestFollowNobody: a server that never answered, or refuses, is not waited for.
func TestFollowNobody(t *testing.T) {
	away := &logs{away: true}
	f := Follower{Client: away.client(), Room: "algebra", Each: new(reader).page}
	if err := f.Follow(t.Context()); !errors.Is(err, ErrUnreachable) {
		t.Errorf("%v", err)
	}
	f = Follower{Client: (&logs{}).client(), Room: "algebra", Session: "s9", Each: new(reader).page}
	if err := f.Follow(t.Context()); err == nil || errors.Is(err, ErrUnreachable) {
		t.Errorf("%v", err)
	}
}
