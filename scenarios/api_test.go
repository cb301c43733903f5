package scenarios_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"usher/pkg/api"
	"usher/pkg/doorkeeper"
	"usher/pkg/doorkeeper/simulation"
)

var apiCommands = map[string]command{
	"room":   (*story).putRoom,
	"adopt":  (*story).adopt,
	"join":   (*story).join,
	"extend": (*story).extend,
	"end":    (*story).end,
	"reopen": (*story).reopen,
	"remove": (*story).remove,
	"delete": (*story).deleteRoom,
	"at":     (*story).at,
	"api":    (*story).api,
}

// answer is what came back over HTTP.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) String() string { return fmt.Sprintf("%d %s", a.status, a.body) }

func (a answer) code() string {
	var p struct{ Code string }
	_ = json.Unmarshal([]byte(a.body), &p) // no JSON has no code
	return p.Code
}

func (s *story) send(r *http.Request) (answer, error) {
	res, err := s.server.Client().Do(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, string(raw)}, err
}

// ask sends a request of the API and lets happen what follows from it. It must
// succeed, and after ! must be refused.
func (s *story) ask(c *call, method, path, token, body string, headers ...string) error {
	r, err := http.NewRequest(method, s.server.URL+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ":")
		r.Header.Set(name, strings.TrimSpace(value))
	}
	if s.last, err = s.send(r); err != nil {
		return err
	}
	c.Setenv("ETAG", s.last.header.Get("ETag"))
	fmt.Fprintln(c.Stdout(), strings.TrimSpace(s.last.body))
	if refused := s.last.status >= 300; refused != c.neg {
		return fmt.Errorf("%s %s was answered %s", method, path, s.last)
	}
	s.Pass(0)
	return nil
}

func (s *story) admin() string { return api.AdminToken(apiSecret, s.Now().Std(), time.Hour) }

// ofRoom asks something of the story's room.
func (s *story) ofRoom(c *call, method, rest, body string) error {
	return s.ask(c, method, "/v1/rooms/"+s.room+rest, s.admin(), body)
}

// room NAME POLICY puts a policy, which may stand in a file. The first room is the
// story's.
func (s *story) putRoom(c *call) error {
	if len(c.args) != 2 {
		return errors.New("usage: room NAME POLICY")
	}
	if strings.HasSuffix(c.args[1], ".json") {
		c.args[1] = c.ReadFile(c.args[1])
	}
	if s.room == "" {
		s.room = c.args[0]
	}
	return s.ask(c, http.MethodPut, "/v1/rooms/"+c.args[0], s.admin(), moments(c.args[1]))
}

// moments puts times of the story in the place of {D}.
func moments(text string) string {
	return timeOfStory.ReplaceAllStringFunc(text, func(found string) string {
		d, err := time.ParseDuration(found[2 : len(found)-2])
		if err != nil {
			return found // the policy's parser refuses it
		}
		return strconv.Quote(simulation.Epoch.Add(d).String())
	})
}

var timeOfStory = regexp.MustCompile(`"\{[0-9a-z.]+\}"`)

// adopt NAME POLICY SESSION puts a policy and a session made elsewhere.
func (s *story) adopt(c *call) error {
	if len(c.args) != 3 {
		return errors.New("usage: adopt NAME POLICY SESSION")
	}
	var fields map[string]any
	if err := json.Unmarshal([]byte(c.args[1]), &fields); err != nil {
		return fmt.Errorf("the policy: %w", err)
	}
	fields["sessionId"] = c.args[2]
	body, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	c.args = []string{c.args[0], string(body)}
	return s.putRoom(c)
}

// join USER [ROLE [DATA]] asks for credentials with a ticket.
func (s *story) join(c *call) error {
	if len(c.args) < 1 || len(c.args) > 3 {
		return errors.New("usage: join USER [ROLE [DATA]]")
	}
	who := doorkeeper.Applicant{User: c.args[0]}
	if len(c.args) > 1 {
		who.Role = c.args[1]
	}
	if len(c.args) > 2 {
		who.Data = json.RawMessage(c.args[2])
	}
	ticket := api.DataTicket(apiSecret, s.room, who, s.Now().Std(), time.Minute)
	if err := s.ask(c, http.MethodPost, "/v1/rooms/"+s.room+"/join", ticket, ""); err != nil || c.neg {
		return err
	}
	var credentials api.Credentials
	if err := json.Unmarshal([]byte(s.last.body), &credentials); err != nil {
		return err
	}
	s.tokens[c.args[0]] = credentials
	return nil
}

// extend SECONDS, or extend to DURATION, the time of the story.
func (s *story) extend(c *call) error {
	body := `{"seconds":` + strings.Join(c.args, "") + `}`
	if len(c.args) == 2 && c.args[0] == "to" {
		at, err := moment(c.args[1])
		if err != nil {
			return err
		}
		body = `{"endsAt":"` + at.String() + `"}`
	}
	return s.ofRoom(c, http.MethodPost, "/extend", body)
}

func (s *story) end(c *call) error    { return s.ofRoom(c, http.MethodPost, "/end", "") }
func (s *story) reopen(c *call) error { return s.ofRoom(c, http.MethodPost, "/reopen", "") }

func (s *story) deleteRoom(c *call) error { return s.ofRoom(c, http.MethodDelete, "", "") }

func (s *story) remove(c *call) error {
	return s.ofRoom(c, http.MethodDelete, "/connections/"+strings.Join(c.args, ""), "")
}

// at NAME makes another room the story's.
func (s *story) at(c *call) error {
	if len(c.args) != 1 {
		return errors.New("usage: at NAME")
	}
	s.room, s.session = c.args[0], ""
	return nil
}

// api METHOD PATH [BODY] [HEADER...] is any request with an admin token.
func (s *story) api(c *call) error {
	if len(c.args) < 2 {
		return errors.New("usage: api METHOD PATH [BODY ['NAME: VALUE'...]]")
	}
	body := ""
	var headers []string
	if len(c.args) > 2 {
		body, headers = c.args[2], c.args[3:]
	}
	return s.ask(c, c.args[0], c.args[1], s.admin(), body, headers...)
}

// view is the room as the API shows it, asked for in passing.
func (s *story) view() (api.Room, error) {
	var v api.Room
	r, err := http.NewRequest(http.MethodGet, s.server.URL+"/v1/rooms/"+s.room, nil)
	if err != nil {
		return v, err
	}
	r.Header.Set("Authorization", "Bearer "+s.admin())
	a, err := s.send(r)
	if err == nil && a.status != http.StatusOK {
		err = errors.New("GET of the room was answered " + strconv.Itoa(a.status) + " " + a.body)
	}
	if err != nil {
		return v, err
	}
	return v, json.Unmarshal([]byte(a.body), &v)
}

func (s *story) roomSession() (string, error) {
	r, err := s.file.Room(context.Background(), s.room)
	return r.Session, err
}
