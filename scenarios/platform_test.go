package scenarios_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"usher/pkg/doorkeeper/simulation"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

var platformCommands = map[string]command{
	"list":       (*story).list,
	"disconnect": (*story).disconnect,
	"sessions":   (*story).sessionsAre,
}

// platform is the world's platform with what else a story looks at.
type platform struct {
	*simulation.Platform
	noSessions bool
	notFound   bool // the list answers 404

	mu       sync.Mutex // as a story's
	archived []bool
	signals  []string
}

// CreateSession makes a session, unless the story says that none can be made.
func (p *platform) CreateSession(ctx context.Context, archived bool) (string, error) {
	if p.noSessions {
		return "", simulation.ErrAway
	}
	p.mu.Lock()
	p.archived = append(p.archived, archived)
	p.mu.Unlock()
	return p.Platform.CreateSession(ctx, archived)
}

// Connections reads the list; one that is not found is empty and not whole.
func (p *platform) Connections(ctx context.Context, session string) (lesson.Reading, error) {
	r, err := p.Platform.Connections(ctx, session)
	if p.notFound {
		r.Present, r.Whole, r.NotFound = nil, false, true
	}
	return r, err
}

// Signal notes what was sent.
func (p *platform) Signal(_ context.Context, _, _, kind string, data []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.signals = append(p.signals, kind+" "+string(data))
	return nil
}

// list lag DURATION: it shows what was true that long ago. list fails, list
// missing (404), list paged (several pages), list works.
func (s *story) list(c *call) error {
	if len(c.args) == 2 && c.args[0] == "lag" {
		d, err := time.ParseDuration(c.args[1])
		s.vonage.Lag = d
		return err
	}
	word, err := one(c, "fails", "missing", "paged", "works")
	s.vonage.ListFails, s.vonage.Paged, s.vonage.notFound = nil, word == "paged", word == "missing"
	if word == "fails" {
		s.vonage.ListFails = func() error { return &room.PlatformError{Operation: "list connections", Status: 500} }
	}
	return err
}

// disconnect fails STATUS [ID...]: so are requests answered, to end any or these
// connections; the status nothing is no answer at all. disconnect works.
func (s *story) disconnect(c *call) error {
	if len(c.args) == 1 && c.args[0] == "works" {
		s.vonage.DisconnectFails = nil
		return nil
	}
	if len(c.args) < 2 || c.args[0] != "fails" {
		return errors.New("usage: disconnect fails STATUS [ID...], disconnect works")
	}
	answer, err := platformAnswer(c.args[1])
	ids := c.args[2:]
	s.vonage.DisconnectFails = func(id string) error {
		if len(ids) == 0 || slices.Contains(ids, id) {
			return answer
		}
		return nil
	}
	return err
}

func platformAnswer(status string) (answer, err error) {
	if status == "nothing" {
		return simulation.ErrAway, nil
	}
	n, err := strconv.Atoi(status)
	if n == 404 {
		return room.ErrGone, err
	}
	return &room.PlatformError{Operation: "disconnect", Status: n}, err
}

// sessions fail, sessions work.
func (s *story) sessionsAre(c *call) error {
	word, err := one(c, "fail", "work")
	s.vonage.noSessions = word == "fail"
	return err
}

// requestLines are the requests to disconnect from the first on, one a line, by
// time and connection.
func (s *story) requestLines(first int) string {
	requests := slices.Clone(s.vonage.Requests[first:])
	slices.SortStableFunc(requests, func(a, b simulation.Request) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Connection, b.Connection))
	})
	b := &strings.Builder{}
	for _, r := range requests {
		fmt.Fprintf(b, "%s %s %s\n", since(r.At), r.Connection, outcome(r.Err))
	}
	return b.String()
}

// outcome is a platform's answer as a story names it.
func outcome(err error) string {
	var answer *room.PlatformError
	switch {
	case err == nil:
		return "204"
	case errors.Is(err, room.ErrGone):
		return "404"
	case errors.As(err, &answer):
		return strconv.Itoa(answer.Status)
	}
	return "nothing"
}
