package api

import (
	"context"
	"encoding/json"
	"net/http"

	"usher/pkg/doorkeeper"
	"usher/pkg/epoch"
)

func (s *server) join(w http.ResponseWriter, r *http.Request) error {
	name, ticket, err := s.ticket(r)
	if err != nil {
		return err
	}
	ctx, cancel := work(r)
	defer cancel()
	admission, err := s.Service.Join(ctx, name, doorkeeper.Applicant{User: ticket.Subject, Role: ticket.Role, Data: ticket.Data})
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, ShowAdmission(admission))
}

func (s *server) end(w http.ResponseWriter, c call) error { return s.act(w, c, s.Service.End) }

func (s *server) reopen(w http.ResponseWriter, c call) error { return s.act(w, c, s.Service.Reopen) }

// act carries out a request and answers with the room as it is then.
func (s *server) act(w http.ResponseWriter, c call, do func(ctx context.Context, name, actor string) (doorkeeper.Snapshot, error)) error {
	ctx, cancel := work(c.Request)
	defer cancel()
	snap, err := do(ctx, c.room, c.actor)
	if err != nil {
		return err
	}
	return writeRoom(w, http.StatusOK, snap)
}

func (s *server) extend(w http.ResponseWriter, c call) error {
	raw, err := readBody(w, c.Request)
	if err != nil {
		return err
	}
	seconds, endsAt, err := readExtension(raw)
	if err != nil {
		return err
	}
	return s.act(w, c, func(ctx context.Context, name, actor string) (doorkeeper.Snapshot, error) {
		return s.Service.Extend(ctx, name, seconds, endsAt, actor)
	})
}

// longestExtension is the most seconds that one extension may add.
const longestExtension = 86400

// readExtension reads {"seconds":600} or {"endsAt":"..."}: exactly one of the
// results is not 0. A member that is null is absent.
func readExtension(raw []byte) (seconds int, endsAt epoch.Instant, err error) {
	fields, err := readObject(raw, "seconds", "endsAt")
	if err != nil {
		return 0, 0, err
	}
	add, byLength := fields["seconds"]
	until, byTime := fields["endsAt"]
	switch {
	case byLength == byTime:
		p := refuseField("seconds", "give exactly one of seconds and endsAt")
		p.Fields = append(p.Fields, "endsAt")
		return 0, 0, p
	case byLength:
		seconds, err = readSeconds(add)
	default:
		endsAt, err = readMoment(until)
	}
	return seconds, endsAt, err
}

func readSeconds(raw json.RawMessage) (int, error) {
	var n int
	if json.Unmarshal(raw, &n) != nil || n < 1 || n > longestExtension {
		return 0, refuseField("seconds", "seconds must be a whole number from 1 to %d, not %s", longestExtension, clip(string(raw)))
	}
	return n, nil
}

func readMoment(raw json.RawMessage) (epoch.Instant, error) {
	var text string
	_ = json.Unmarshal(raw, &text) // another kind of value is "", and that no moment
	at, ok := epoch.Parse(text)
	if !ok {
		return 0, refuseField("endsAt", "endsAt must be a time like 2026-12-01T18:05:00Z (RFC 3339), not %s", clip(string(raw)))
	}
	return at, nil
}
