package scenarios_test

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"usher/pkg/doorkeeper/simulation"
	"usher/pkg/room"
)

var platformCommands = map[string]command{
	"list":       (*story).list,
	"disconnect": (*story).disconnect,
	"sessions":   (*story).sessionsAre,
	"streams":    (*story).streamsAre,
}

// list lag DURATION: it shows what was true that long ago. list fails, list
// missing (404), list paged (several pages), list works.
func (s *story) list(c *call) error {
	if len(c.args) == 2 && c.args[0] == "lag" {
		d, err := time.ParseDuration(c.args[1])
		s.Platform.Lag = d
		return err
	}
	word, err := one(c, "fails", "missing", "paged", "works")
	s.Platform.ListFails, s.Platform.Paged, s.Platform.Missing = nil, word == "paged", word == "missing"
	if word == "fails" {
		s.Platform.ListFails = func() error { return &room.PlatformError{Operation: "list connections", Status: 500} }
	}
	return err
}

// disconnect fails STATUS [ID...]: so are requests answered, to end any or these
// connections; the status nothing is no answer at all. disconnect works.
func (s *story) disconnect(c *call) error {
	if len(c.args) == 1 && c.args[0] == "works" {
		s.Platform.DisconnectFails = nil
		return nil
	}
	if len(c.args) < 2 || c.args[0] != "fails" {
		return errors.New("usage: disconnect fails STATUS [ID...], disconnect works")
	}
	answer, err := platformAnswer(c.args[1])
	ids := c.args[2:]
	s.Platform.DisconnectFails = func(id string) error {
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
	s.Platform.SessionFails = nil
	if word == "fail" {
		s.Platform.SessionFails = func() error { return simulation.ErrAway }
	}
	return err
}

// streams fail, streams work: so is the list of streams.
func (s *story) streamsAre(c *call) error {
	word, err := one(c, "fail", "work")
	s.Platform.StreamsFail = nil
	if word == "fail" {
		s.Platform.StreamsFail = func() error { return &room.PlatformError{Operation: "list streams", Status: 500} }
	}
	return err
}

// requestLines are the requests to disconnect from the first on, one a line, by
// time and connection.
func (s *story) requestLines(first int) string {
	requests := slices.Clone(s.Platform.Requests[first:])
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
