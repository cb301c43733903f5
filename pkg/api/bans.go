package api

import (
	"encoding/json"
	"net/http"
	"time"
	"unicode/utf8"

	"usher/pkg/doorkeeper"
	"usher/pkg/epoch"
	"usher/pkg/lesson"
	"usher/pkg/policy"
)

const bansPath = "/v1/rooms/{room}/bans"

// Bounds of a ban.
const (
	longestBan  = 10 * 365 * 24 * 60 * 60 // seconds
	longestNote = 500                     // characters
)

// Ban is a user who is kept out. An absent value is null, never missing.
type Ban struct {
	User  string  `json:"user"`
	Until *string `json:"until"` // null: until it is lifted
	Note  *string `json:"note"`
	At    *string `json:"at"`
	Actor string  `json:"actor"`
}

// banPage is a page of bans; Next is what to pass as after.
type banPage struct {
	Bans []Ban  `json:"bans"`
	Next string `json:"next"`
}

func showBan(b lesson.Ban) Ban {
	return Ban{User: b.User, Until: stamp(b.Until), Note: plainOrNull(b.Note), At: stamp(b.At), Actor: b.Actor}
}

func showBans(p doorkeeper.BanPage) banPage { return banPage{each(p.Bans, showBan), p.Next} }

func (s *server) ban(w http.ResponseWriter, c call) error {
	raw, err := readBody(w, c.Request)
	if err != nil {
		return err
	}
	b, err := readBan(raw, s.Now())
	if err != nil {
		return err
	}
	b.Actor = c.actor
	ctx, cancel := work(c.Request)
	defer cancel()
	b, err = s.Service.Ban(ctx, c.room, b)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, showBan(b))
}

func (s *server) bans(w http.ResponseWriter, c call) error {
	q := queryOf(c.Request)
	after, limit := q.text("after"), q.limit()
	if q.err != nil {
		return q.err
	}
	ctx, cancel := work(c.Request)
	defer cancel()
	page, err := s.Service.Bans(ctx, c.room, after, limit)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, showBans(page))
}

func (s *server) liftBan(w http.ResponseWriter, c call) error {
	q := queryOf(c.Request)
	user := q.user("user")
	if q.err == nil && user == "" {
		q.wrong("user", "say in the query whose ban to lift: ?user=")
	}
	if q.err != nil {
		return q.err
	}
	ctx, cancel := work(c.Request)
	defer cancel()
	if err := s.Service.LiftBan(ctx, c.room, user, c.actor); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// readBan reads {"user":"...","seconds":600,"note":"..."}; without seconds, the ban has no
// end.
func readBan(raw []byte, now epoch.Instant) (lesson.Ban, error) {
	fields, err := readObject(raw, "user", "seconds", "note")
	if err != nil {
		return lesson.Ban{}, err
	}
	var b lesson.Ban
	if b.User, err = readUser(fields["user"]); err != nil {
		return b, err
	}
	if raw, timed := fields["seconds"]; timed {
		var seconds int64
		if json.Unmarshal(raw, &seconds) != nil || seconds < 1 || seconds > longestBan {
			return b, refuseField("seconds", "seconds must be a whole number from 1 to %d, or null for a ban without end, not %s", longestBan, clip(string(raw)))
		}
		b.Until = now.Add(time.Duration(seconds) * time.Second)
	}
	if raw, noted := fields["note"]; noted {
		if json.Unmarshal(raw, &b.Note) != nil || utf8.RuneCountInString(b.Note) > longestNote {
			return b, refuseField("note", "note must be a text of at most %d characters, not %s", longestNote, clip(string(raw)))
		}
	}
	return b, nil
}

func readUser(raw json.RawMessage) (user string, err error) {
	switch {
	case raw == nil:
		return "", refuseField("user", "user is missing: say who is to stay out")
	case json.Unmarshal(raw, &user) != nil:
		return "", refuseField("user", "user must be a text, not %s", clip(string(raw)))
	case !policy.ValidUser(user):
		return "", refuse(codeInvalidUser, "user must be 1 to 128 bytes of UTF-8 without control characters, line separators and direction overrides")
	}
	return user, nil
}
