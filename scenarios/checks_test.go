package scenarios_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"usher/pkg/api"
	"usher/pkg/epoch"
	"usher/pkg/journal"
)

var checks = map[string]command{
	"in":       (*story).in,
	"count":    (*story).count,
	"carries":  (*story).carries,
	"log":      (*story).showLog,
	"says":     (*story).says,
	"requests": (*story).showRequests,
	"readings": (*story).countReadings,
	"signals":  (*story).showSignals,
	"words":    (*story).showWords,
	"because":  (*story).because,
	"archived": (*story).archived,
	"alarm":    (*story).alarm,
	"answer":   (*story).answered,
	"room-is":  (*story).roomIs,
	"parked":   (*story).parked,
	"item":     (*story).item,
}

// in [ID...] checks who is in, in truth.
func (s *story) in(c *call) error {
	session, err := s.where()
	if err != nil {
		return err
	}
	want := slices.Sorted(slices.Values(c.args))
	if got := s.Platform.In(session); !slices.Equal(got, want) {
		return fmt.Errorf("in the session are %q, want %q", got, want)
	}
	return nil
}

// carries ID prints the connection's data, as everyone in the session sees it.
func (s *story) carries(c *call) error {
	session, err := s.where()
	if err != nil {
		return err
	}
	for _, q := range s.Platform.People(session) {
		if slices.Equal(c.args, []string{q.ID}) {
			fmt.Fprintln(c.Stdout(), q.Data)
			return nil
		}
	}
	return fmt.Errorf("nobody in the session is %q", c.args)
}

// count PREFIX N checks how many of a crowd are in, in truth.
func (s *story) count(c *call) error {
	session, err := s.where()
	if err != nil {
		return err
	}
	if len(c.args) != 2 {
		return errors.New("usage: count PREFIX N")
	}
	n := 0
	for _, id := range s.Platform.In(session) {
		if strings.HasPrefix(id, c.args[0]) {
			n++
		}
	}
	if strconv.Itoa(n) != c.args[1] {
		return fmt.Errorf("%d of %s are in, want %s", n, c.args[0], c.args[1])
	}
	return nil
}

// showLog prints the whole log of the present session.
func (s *story) showLog(c *call) error {
	session, err := s.where()
	if err != nil {
		return err
	}
	_, lines, err := s.Log(session)
	fmt.Fprint(c.Stdout(), printed(lines))
	return err
}

// printed is a log, one line each: when it was decided, what it answers
// to, about whom, what was decided and why, and the time it is about if that is
// another.
func printed(lines []journal.Line) string {
	b := &strings.Builder{}
	for _, line := range lines {
		fmt.Fprintf(b, "%-8s %-19s %-4s %-8s %s", since(line.At), line.Event, dash(line.Connection), dash(line.User), line.Action)
		if line.Reason != "" {
			fmt.Fprintf(b, " %s", line.Reason)
		}
		if line.Stream != "" {
			fmt.Fprintf(b, " stream %s", line.Stream)
		}
		if line.EventAt != 0 && line.EventAt != line.At {
			fmt.Fprintf(b, " @%s", since(line.EventAt))
		}
		if line.Note != "" {
			fmt.Fprintf(b, " (%s)", line.Note)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// says ID ACTION [REASON] checks that the log says so of the connection once,
// and after ! that it does not. The id - is a line about no connection.
func (s *story) says(c *call) error {
	if len(c.args) < 2 || len(c.args) > 3 {
		return errors.New("usage: says ID ACTION [REASON]")
	}
	session, err := s.where()
	if err != nil {
		return err
	}
	_, lines, err := s.Log(session)
	if err != nil {
		return err
	}
	found, want := 0, 1
	if c.neg {
		want = 0
	}
	reason := strings.Join(c.args[2:], "")
	for _, line := range lines {
		if dash(line.Connection) == c.args[0] && string(line.Action) == c.args[1] && (len(c.args) == 2 || string(line.Reason) == reason) {
			found++
		}
	}
	if found != want {
		return fmt.Errorf("%d lines say %q, want %d", found, c.args, want)
	}
	return nil
}

// requests prints the requests to disconnect since it was last used.
func (s *story) showRequests(c *call) error {
	text := s.requestLines(s.requests)
	s.requests = len(s.Platform.Requests)
	fmt.Fprint(c.Stdout(), text)
	return nil
}

// readings prints when the list was read since it was last used.
func (s *story) countReadings(c *call) error {
	var all []epoch.Instant
	for _, at := range s.Platform.Readings {
		all = append(all, at...)
	}
	slices.Sort(all)
	for _, at := range all[s.readings:] {
		fmt.Fprintln(c.Stdout(), since(at))
	}
	s.readings = len(all)
	fmt.Fprint(c.Stdout()) // nothing is an answer too
	return nil
}

// signals prints the signals since it was last used.
func (s *story) showSignals(c *call) error {
	for _, text := range s.Platform.Signals[s.signals:] {
		fmt.Fprintln(c.Stdout(), text)
	}
	s.signals = len(s.Platform.Signals)
	fmt.Fprint(c.Stdout())
	return nil
}

// words prints the signals to single connections since it was last used.
func (s *story) showWords(c *call) error {
	words := slices.Clone(s.Platform.Words[s.words:])
	slices.Sort(words) // those of one decision are sent side by side
	for _, text := range words {
		fmt.Fprintln(c.Stdout(), text)
	}
	s.words = len(s.Platform.Words)
	fmt.Fprint(c.Stdout())
	return nil
}

// because ID prints what the refusals of the connection rest on: who had the better
// right, and when the reading began that proved it. The id - is what was refused at
// join.
func (s *story) because(c *call) error {
	session, err := s.where()
	if err != nil {
		return err
	}
	_, lines, err := s.Log(session)
	for _, line := range lines {
		if !slices.Equal(c.args, []string{dash(line.Connection)}) || line.Because == "" {
			continue
		}
		p := line.Because.Proof()
		if len(p.Holders) == 0 {
			continue // what a reading decided, whoever has which right
		}
		read := "known without a reading"
		if p.ReadAt != 0 {
			read = "read at " + since(p.ReadAt)
		}
		fmt.Fprintf(c.Stdout(), "%s: %s, %s\n", line.Reason, strings.Join(p.Holders, " "), read)
	}
	fmt.Fprint(c.Stdout())
	return err
}

// archived checks that the last session was made with an archive.
func (s *story) archived(c *call) error {
	n := len(s.Platform.Archived)
	if n == 0 || s.Platform.Archived[n-1] == c.neg {
		return fmt.Errorf("sessions were made with archives %v", s.Platform.Archived)
	}
	return nil
}

// alarm NAME checks that the process raised it.
func (s *story) alarm(c *call) error {
	raised := strings.Contains(s.errors.String(), "alarm="+strings.Join(c.args, ""))
	if raised == c.neg {
		return fmt.Errorf("alarm %q: raised is %v", c.args, raised)
	}
	return nil
}

// answer STATUS [CODE] [retry-after=SECONDS] checks the last answer.
func (s *story) answered(c *call) error {
	for i, want := range c.args {
		got := s.last.code()
		switch {
		case i == 0:
			got = strconv.Itoa(s.last.status)
		case strings.HasPrefix(want, "retry-after="):
			got = "retry-after=" + s.last.header.Get("Retry-After")
		}
		if got != want {
			return fmt.Errorf("the answer is %s with Retry-After %q, want %q", s.last, s.last.header.Get("Retry-After"), c.args)
		}
	}
	return nil
}

// parked N checks how many events wait in the queue.
func (s *story) parked(c *call) error {
	if s.Queue == nil {
		return errNoQueue
	}
	if n := strconv.Itoa(len(s.Queue.Parked)); n != strings.Join(c.args, "") {
		return fmt.Errorf("%s events are parked, want %q", n, c.args)
	}
	return nil
}

// item BYTES checks that the lesson takes at most so much in its item.
func (s *story) item(c *call) error {
	session, err := s.where()
	if err != nil {
		return err
	}
	l, err := s.Lesson(session)
	if err != nil {
		return err
	}
	if most, err := strconv.Atoi(strings.Join(c.args, "")); err != nil || l.Size() > most {
		return fmt.Errorf("the lesson takes %d bytes: %d connections, %d promises, %d lines; want at most %q", l.Size(), len(l.Conns), len(l.Promises), len(l.Tail), c.args)
	}
	return nil
}

// room-is STATUS [FIELD=VALUE...] checks the room as the API shows it.
func (s *story) roomIs(c *call) error {
	v, err := s.view()
	if err != nil {
		return err
	}
	shown := fields(v)
	for i, arg := range c.args {
		name, want, ok := strings.Cut(arg, "=")
		if i == 0 {
			name, want, ok = "status", arg, true
		}
		got, known := shown[name]
		if !ok || !known {
			return fmt.Errorf("%q is not FIELD=VALUE with one of the fields %v", arg, slices.Sorted(maps.Keys(shown)))
		}
		if got != want {
			return fmt.Errorf("the room's %s is %s, want %s", name, got, want)
		}
	}
	return nil
}

// fields are what room-is can check.
func fields(v api.Room) map[string]string {
	var users, roles, observers []string
	for _, c := range v.Connections {
		users = append(users, c.ID+":"+orDash(c.User))
		roles = append(roles, c.ID+":"+orDash(c.Role))
		if c.Observer {
			observers = append(observers, c.ID)
		}
	}
	f := map[string]string{
		"status": string(v.Status), "seats": strconv.Itoa(v.Seats),
		"promised": strconv.Itoa(v.Promised), "waiting": strconv.Itoa(v.Waiting),
		"outcome": "null", "session": "null", "left": "null",
		"started": stamp(v.StartedAt), "ends": stamp(v.EndsAt),
		"connections": strings.Join(users, ","), "roles": strings.Join(roles, ","), "observers": strings.Join(observers, ","),
	}
	if v.Outcome != nil {
		f["outcome"] = string(*v.Outcome)
	}
	if v.SessionID != nil {
		f["session"] = *v.SessionID
	}
	if v.SecondsLeft != nil {
		f["left"] = strconv.FormatInt(*v.SecondsLeft, 10)
	}
	return f
}

func orDash(text *string) string {
	if text == nil {
		return "-"
	}
	return *text
}

// stamp is a time of the API as stories write it.
func stamp(text *string) string {
	if text == nil {
		return "null"
	}
	at, err := time.Parse(time.RFC3339, *text)
	if err != nil {
		return *text
	}
	return since(epoch.Of(at))
}
