package dynamo

import (
	"fmt"

	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
	"usher/pkg/room"
)

func lessonFields(c *coder, l *lesson.Lesson) {
	text(c, "room", &l.Room)
	flag(c, "own", &l.Own)
	num(c, "created", &l.Created)
	count(c, "revision", &l.Revision)
	count(c, "added", &l.Added)
	policyField(c, &l.Policy)
	count(c, "policyVersion", &l.PolicyVersion)
	list(c, "rules", (*[]policy.Rule)(&l.Rules), ruleFields)
	text(c, "status", &l.Status)
	text(c, "outcome", &l.Outcome)
	num(c, "startedAt", &l.StartedAt)
	num(c, "endedAt", &l.EndedAt)
	num(c, "paused", &l.PausedMillis)
	num(c, "pausedAt", &l.PausedAt)
	num(c, "resumedAt", &l.ResumedAt)
	rare(c, "stays", &l.Stays, staysByConn)
	num(c, "settledThrough", &l.SettledThrough)
	num(c, "settledMillis", &l.SettledMillis)
	num(c, "settledPausedAt", &l.SettledPausedAt)
	num(c, "warnedThrough", &l.WarnedThrough)
	num(c, "extended", &l.ExtendedMillis)
	num(c, "fixedEnd", &l.FixedEnd)
	table(c, "conns", &l.Conns, connFields)
	table(c, "promises", &l.Promises, promiseFields)
	counts(c, "seen", &l.Seen)
	rare(c, "refusals", &l.Refusals, counts)
	num(c, "roomCreated", &l.RoomCreated)
	num(c, "bans", &l.Bans)
	rare(c, "bansToKeep", &l.BansToKeep, bansByUser)
	list(c, "tail", &l.Tail, lineFields)
	count(c, "base", &l.Base)
	count(c, "shed", &l.Shed)
	num(c, "floor", &l.ShedThrough)
	count(c, "outside", &l.PresentOutside)
	outsideFields(c, l)
	num(c, "promisedThrough", &l.PromisedThrough)
	num(c, "readAt", &l.ReadAt)
	num(c, "notFound", &l.NotFound)
	num(c, "notFoundSince", &l.NotFoundSince)
	num(c, "blindUntil", &l.ListRefusedUntil)
	num(c, "clearAt", &l.OutsideRetryAt)
	num(c, "reviewAt", &l.OutsideReviewAt)
	num(c, "streamsReadAt", &l.StreamsReadAt)
	num(c, "streamsUnread", &l.StreamsUnread)
	num(c, "settledAt", &l.ReconciledAt)
	num(c, "watchAt", &l.WatchAt)
	flag(c, "backlog", &l.Backlog)
	num(c, "empty", &l.EmptyReadings)
	tellField(c, &l.Tell)
	num(c, "dueAt", &l.Due)
}

// tellField is how far the log was told; a lesson that tells nobody has none.
func tellField(c *coder, tell **lesson.Tell) {
	if c.writing && *tell == nil || !c.writing && c.item["tell"] == nil {
		c.known = append(c.known, "tell")
		return
	}
	*tell = pointed(*tell)
	part(c, "tell", func(c *coder) {
		count(c, "through", &(*tell).Through)
		num(c, "askedAt", &(*tell).AskedAt)
		num(c, "tries", &(*tell).Tries)
	})
}

// outsideFields are those who are in outside the item, by what they are.
func outsideFields(c *coder, l *lesson.Lesson) {
	num(c, "observersOutside", &l.ObserversOutside)
	rare(c, "outsideByRole", &l.OutsideByRole, byRole(counts[int64]))
}

func bansByUser(c *coder, name string, m *map[string]lesson.Ban) { table(c, name, m, banFields) }

func banFields(c *coder, user string, b *lesson.Ban) {
	if !c.writing {
		b.User = user
	}
	num(c, "until", &b.Until)
	text(c, "note", &b.Note)
	num(c, "at", &b.At)
	text(c, "actor", &b.Actor)
}

func ruleFields(c *coder, r *policy.Rule) {
	num(c, "since", &r.Since)
	num(c, "quorum", &r.Quorum)
	rare(c, "roles", &r.Roles, byRole(counts[int]))
	num(c, "opens", &r.Opens)
	num(c, "seconds", &r.Seconds)
	flag(c, "pauses", &r.Pauses)
}

func staysByConn(c *coder, name string, m *map[string]lesson.Stay) { table(c, name, m, stayFields) }

func stayFields(c *coder, _ string, s *lesson.Stay) {
	text(c, "person", &s.Person)
	text(c, "role", &s.Role)
	num(c, "from", &s.From)
	num(c, "to", &s.To)
}

func connFields(c *coder, id string, v *lesson.Conn) {
	if !c.writing {
		v.ID = id
	}
	num(c, "at", &v.CreatedAt)
	num(c, "heard", &v.HeardAt)
	text(c, "user", &v.User)
	text(c, "role", &v.Role)
	text(c, "promise", &v.Promise)
	flag(c, "byPromise", &v.ByPromise)
	flag(c, "foreign", &v.Foreign)
	flag(c, "observer", &v.Observer)
	text(c, "state", &v.State)
	text(c, "reason", &v.Reason)
	flag(c, "held", &v.Reserved)
	flag(c, "firm", &v.Confirmed)
	flag(c, "old", &v.HeardLate)
	flag(c, "untold", &v.Unlogged)
	num(c, "placeAt", &v.PlaceAt)
	text(c, "placeId", &v.PlaceID)
	flag(c, "created", &v.Created)
	flag(c, "destroyed", &v.Destroyed)
	num(c, "left", &v.LeftAt)
	flag(c, "bound", &v.LeftLowerBound)
	num(c, "shown", &v.ShownAt)
	num(c, "waitsSince", &v.WaitsSince)
	num(c, "departureHeard", &v.DepartureHeardAt)
	num(c, "departureCheck", &v.DepartureCheckAt)
	num(c, "countedUntil", &v.CountedUntil)
	num(c, "refutedLeft", &v.RefutedLeftAt)
	num(c, "listed", &v.ListedAt)
	num(c, "back", &v.BackAt)
	num(c, "told", &v.DisconnectRequestedAt)
	num(c, "retry", &v.RetryAt)
	num(c, "tries", &v.Tries)
	flag(c, "givenUp", &v.GivenUp)
	if len(v.Streams) > 0 || c.item["streams"] != nil {
		table(c, "streams", &v.Streams, streamFields)
	}
}

func streamFields(c *coder, _ string, s *lesson.Stream) {
	text(c, "kind", &s.Kind)
	num(c, "at", &s.CreatedAt)
	flag(c, "made", &s.Made)
	flag(c, "gone", &s.Gone)
	num(c, "asked", &s.AskedAt)
	num(c, "graceEnds", &s.GraceEndsAt)
}

func promiseFields(c *coder, id string, p *lesson.Promise) {
	if !c.writing {
		p.ID = id
	}
	text(c, "user", &p.User)
	text(c, "role", &p.Role)
	num(c, "given", &p.GivenAt)
	num(c, "expires", &p.Expires)
	flag(c, "freed", &p.Released)
	num(c, "tokens", &p.Tokens)
	num(c, "came", &p.Came)
	num(c, "asked", &p.AskedAt)
	text(c, "used", &p.Used)
	flag(c, "rides", &p.ForExistingSeat)
	flag(c, "observer", &p.Observer)
}

func lineFields(c *coder, l *journal.Line) {
	num(c, "at", &l.At)
	num(c, "eventAt", &l.EventAt)
	text(c, "event", &l.Event)
	text(c, "conn", &l.Connection)
	text(c, "stream", &l.Stream)
	text(c, "user", &l.User)
	text(c, "role", &l.Role)
	text(c, "action", &l.Action)
	text(c, "reason", &l.Reason)
	text(c, "actor", &l.Actor)
	text(c, "note", &l.Note)
	text(c, "because", &l.Because)
}

// recordFields has the id of the connection or promise beside it: the record's own
// id may be another.
func recordFields(c *coder, r *lesson.Record) {
	if r.Conn != nil || c.item["conn"] != nil {
		r.Conn = pointed(r.Conn)
		part(c, "conn", func(c *coder) {
			text(c, "id", &r.Conn.ID)
			connFields(c, r.Conn.ID, r.Conn)
		})
	}
	if r.Promise != nil || c.item["promise"] != nil {
		r.Promise = pointed(r.Promise)
		part(c, "promise", func(c *coder) {
			text(c, "id", &r.Promise.ID)
			promiseFields(c, r.Promise.ID, r.Promise)
		})
	}
	num(c, "seen", &r.Seen)
	text(c, "holder", &r.Holder)
}

func pointed[T any](p *T) *T {
	if p == nil {
		return new(T)
	}
	return p
}

func roomFields(c *coder, r *room.Room) {
	count(c, "revision", &r.Revision)
	num(c, "created", &r.Created)
	policyField(c, &r.Policy)
	text(c, "session", &r.Session)
	num(c, "closed", &r.Closed)
	num(c, "bans", &r.Bans)
}

// policyField stands as its JSON.
func policyField(c *coder, p *policy.Policy) {
	raw := ""
	if c.writing {
		raw = p.String()
	}
	text(c, "policy", &raw)
	if !c.writing {
		*p = policy.Stored(raw)
	}
}

// whole is the item of a lesson, and the names of all attributes that it could
// have had. Only a lesson that has ended expires: a room may rest for longer
// than a summer and then go on with its session.
func whole(l lesson.Lesson, expires int64) (item, []string) {
	c, g, bucket, schema := writer(), compile(l), "", room.SchemaWritten
	if l.Due != 0 {
		bucket = bucketOf(l.Session)
	}
	if l.Status != journal.Ended {
		expires = 0
	}
	lessonFields(c, &l)
	gateFields(c, &g)
	num(c, "expires", &expires)
	text(c, "bucket", &bucket)
	num(c, "schema", &schema)
	return c.item, c.known
}

// readable says whether this release may decide about the item.
func readable(i item) error {
	schema := 0
	num(reader(i), "schema", &schema)
	return named(room.CheckSchema(schema), i)
}

func decodeLesson(i item) (lesson.Lesson, error) {
	if err := readable(i); err != nil {
		return lesson.Lesson{}, err
	}
	return showLesson(i)
}

// showLesson decodes a lesson to be shown, also one that a newer release wrote.
func showLesson(i item) (lesson.Lesson, error) {
	l := lesson.Lesson{Session: sessionOf(i)}
	c := reader(i)
	lessonFields(c, &l)
	return l, named(c.err, i)
}

func decodeRoom(i item) (room.Room, error) {
	if err := readable(i); err != nil {
		return room.Room{}, err
	}
	return showRoom(i)
}

// showRoom decodes a room to be shown, also one that a newer release wrote.
func showRoom(i item) (room.Room, error) {
	r := room.Room{Name: keyText(i, "sk")}
	c := reader(i)
	roomFields(c, &r)
	return r, named(c.err, i)
}

func decodeRecord(i item) (lesson.Record, error) {
	r := lesson.Record{ID: textAfter(keyText(i, "sk"), recordMark)}
	c := reader(i)
	recordFields(c, &r)
	return r, named(c.err, i)
}

func decodeChunk(i item) ([]journal.Line, error) {
	var first int64
	var lines []journal.Line
	if _, err := fmt.Sscanf(textAfter(keyText(i, "sk"), chunkMark), "%d", &first); err != nil {
		return nil, named(fmt.Errorf("the key names no line: %w", err), i)
	}
	c := reader(i)
	list(c, "lines", &lines, lineFields)
	for n := range lines {
		lines[n].Seq = first + int64(n)
	}
	return lines, named(c.err, i)
}

func textAfter(s, mark string) string {
	if len(s) < len(mark) {
		return ""
	}
	return s[len(mark):]
}

// named says whose err is.
func named(err error, i item) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("item %q %q cannot be read: %w", keyText(i, "pk"), keyText(i, "sk"), err)
}
