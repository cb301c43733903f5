package scenarios_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	_ "time/tzdata" // where the machine has no zones

	"usher/pkg/api"
	"usher/pkg/journal"
)

var recordCommands = map[string]command{
	"attendance": (*story).attendance,
	"lessons":    (*story).lessons,
	"explain":    (*story).explain,
}

// get asks for something of the story's room, and reads the answer.
func (s *story) get(rest string, answer any) error {
	r, err := http.NewRequest(http.MethodGet, s.server.URL+"/v1/rooms/"+s.room+rest, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+s.admin())
	a, err := s.send(r)
	if err != nil || a.status != http.StatusOK {
		return errors.Join(err, fmt.Errorf("GET %s was answered %s", rest, a))
	}
	return json.Unmarshal([]byte(a.body), answer)
}

// attendance [SESSION] prints the record of the room's lesson, or of that of another
// session.
func (s *story) attendance(c *call) error {
	rest := "/attendance"
	if len(c.args) > 0 {
		rest += "?sessionId=" + url.QueryEscape(c.args[0])
	}
	var v api.Attendance
	if err := s.get(rest, &v); err != nil {
		return err
	}
	fmt.Fprintf(c.Stdout(), "%s, started %s, ended %s, %v s together\n", orDash(v.Outcome), stamp(v.StartedAt), stamp(v.EndedAt), v.TogetherSeconds)
	for _, u := range v.Users {
		sum := fmt.Sprint(u.SecondsPresent)
		if !u.Exact {
			sum = "at least " + sum
		}
		fmt.Fprintf(c.Stdout(), "%-6s %-8s from %-7s to %-7s %s s in %d", orDash(u.User), orDash(u.Role), stamp(&u.FirstIn), stamp(u.LastOut), sum, u.Connections)
		if u.Observer {
			fmt.Fprint(c.Stdout(), ", observer")
		}
		fmt.Fprintln(c.Stdout())
	}
	return nil
}

// lessons prints the room's lessons, the newest first.
func (s *story) lessons(c *call) error {
	var page struct{ Lessons []api.Lesson }
	if err := s.get("/lessons", &page); err != nil {
		return err
	}
	for _, l := range page.Lessons {
		outcome := ""
		if l.Outcome != nil {
			outcome = string(*l.Outcome)
		}
		fmt.Fprintf(c.Stdout(), "%s opened %s, started %s, ended %s, %s\n", l.SessionID, stamp(l.OpenedAt), stamp(l.StartedAt), stamp(l.EndedAt), dash(outcome))
	}
	fmt.Fprint(c.Stdout()) // nothing is an answer too
	return nil
}

// explain ID prints what usher explain says of the connection, by the log as the API gives
// it.
func (s *story) explain(c *call) error {
	session, err := s.where()
	if err != nil {
		return err
	}
	var page json.RawMessage
	if err := s.get("/events?limit=1000&sessionId="+url.QueryEscape(session), &page); err != nil {
		return err
	}
	lines, err := api.ReadLog(strings.NewReader(string(page)), session)
	for _, sentence := range journal.Explain(lines, strings.Join(c.args, "")) {
		fmt.Fprintln(c.Stdout(), sentence)
	}
	return err
}
