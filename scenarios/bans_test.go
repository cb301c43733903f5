package scenarios_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"usher/pkg/api"
)

var banCommands = map[string]command{
	"ban":  (*story).ban,
	"lift": (*story).lift,
	"bans": (*story).bans,
}

// ban USER [SECONDS [NOTE]] keeps a user out of the room.
func (s *story) ban(c *call) error {
	if len(c.args) < 1 || len(c.args) > 3 {
		return errors.New("usage: ban USER [SECONDS [NOTE]]")
	}
	fields := map[string]any{"user": c.args[0]}
	if len(c.args) > 1 {
		fields["seconds"] = json.Number(c.args[1])
	}
	if len(c.args) > 2 {
		fields["note"] = c.args[2]
	}
	body, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	return s.ofRoom(c, http.MethodPost, "/bans", string(body))
}

// lift USER lets a user in again.
func (s *story) lift(c *call) error {
	return s.ofRoom(c, http.MethodDelete, "/bans?user="+url.QueryEscape(strings.Join(c.args, "")), "")
}

// bans prints the room's bans, one a line: the user, until when, when it was decided and
// by whom, and the note.
func (s *story) bans(c *call) error {
	page, err := http.NewRequest(http.MethodGet, s.server.URL+"/v1/rooms/"+s.room+"/bans?limit=1000", nil)
	if err != nil {
		return err
	}
	page.Header.Set("Authorization", "Bearer "+s.admin())
	a, err := s.send(page)
	if err != nil || a.status != http.StatusOK {
		return errors.Join(err, fmt.Errorf("the bans were answered %s", a))
	}
	var shown struct{ Bans []api.Ban }
	if err := json.Unmarshal([]byte(a.body), &shown); err != nil {
		return err
	}
	for _, b := range shown.Bans {
		until := "until it is lifted"
		if b.Until != nil {
			until = "until " + stamp(b.Until)
		}
		fmt.Fprintf(c.Stdout(), "%s %s, by %s at %s", b.User, until, b.Actor, stamp(b.At))
		if b.Note != nil {
			fmt.Fprintf(c.Stdout(), " (%s)", *b.Note)
		}
		fmt.Fprintln(c.Stdout())
	}
	fmt.Fprint(c.Stdout()) // nothing is an answer too
	return nil
}
