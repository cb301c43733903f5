package bolt

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"usher/pkg/lesson"
	"usher/pkg/room"
)

// Add implements room.Store.
func (s *Store) Add(ctx context.Context, a lesson.Arrival) (lesson.Lesson, error) {
	a.Conn = ownConn(a.Conn)
	return s.change(ctx, a.Session, whereItFits(a))
}

// Leave implements room.Store.
func (s *Store) Leave(ctx context.Context, d lesson.Departure) (lesson.Lesson, error) {
	d.Conn = ownConn(d.Conn)
	return s.change(ctx, d.Session, whereItFits(d))
}

// oneConn is an Arrival or a Departure.
type oneConn interface {
	Fits(l lesson.Lesson) bool
	Into(l lesson.Lesson) lesson.Lesson
}

// whereItFits makes of a lesson what the rules do.
func whereItFits(c oneConn) func(*batch, *staged) error {
	return func(_ *batch, st *staged) error {
		if !c.Fits(st.now) {
			return conflict(st.now)
		}
		st.become(c.Into(st.now), nil)
		return nil
	}
}

// Swap implements room.Store.
func (s *Store) Swap(ctx context.Context, next lesson.Lesson) (lesson.Lesson, error) {
	sw, err := newSwap(next)
	if err != nil {
		return lesson.Lesson{}, err
	}
	return s.change(ctx, next.Session, func(_ *batch, st *staged) error {
		if !sw.fits(st.now) {
			return conflict(st.now)
		}
		st.become(sw.next, sw.raw)
		return nil
	})
}

// swap is a lesson that replaces another one, encoded by the goroutine that
// asks, so that the committing one does not have to.
type swap struct {
	next lesson.Lesson // with the revision that it gets
	raw  []byte
}

func newSwap(next lesson.Lesson) (swap, error) {
	next = whole(own(plain(next)))
	next.Revision++
	raw, err := encode(next.Session, stampLesson(next))
	return swap{next, raw}, err
}

func (s swap) fits(stored lesson.Lesson) bool {
	return stored.Revision+1 == s.next.Revision && stored.Added == s.next.Added
}

// Shed implements room.Store. Lines, records and the rest of the lesson are one
// commit.
func (s *Store) Shed(ctx context.Context, l lesson.Lesson, shed lesson.Shed) (lesson.Lesson, error) {
	records, err := encodeRecords(l.Session, shed.Records)
	if err != nil {
		return lesson.Lesson{}, err
	}
	return s.change(ctx, l.Session, func(b *batch, st *staged) error {
		if st.now.Revision != l.Revision || st.now.Gate().Limit != l.Gate().Limit {
			return conflict(st.now)
		}
		if shed.Lines < 0 || shed.Lines > len(st.now.Tail) {
			return fmt.Errorf("%d lines cannot be shed of %d", shed.Lines, len(st.now.Tail))
		}
		if err := b.keepLines(st.now, shed.Lines); err != nil {
			return err
		}
		b.keepRecords(st.now, shed.Lines, records)
		st.become(shed.Apply(st.now), nil)
		return nil
	})
}

// batchOfShed names the lines and records of one Shed; the retention removes them
// together.
type batchOfShed struct {
	First   int64    `json:"first,omitempty"`
	Last    int64    `json:"last,omitempty"`
	Records []string `json:"records,omitempty"`
}

func (b *batch) keepLines(l lesson.Lesson, n int) error {
	raws := make([][]byte, n)
	for i, line := range l.Tail[:n] {
		var err error
		if raws[i], err = marshal(line); err != nil {
			return fmt.Errorf("a line of lesson %q cannot be written: %w", l.Session, err)
		}
	}
	for i, raw := range raws {
		b.put(lineBucket, lineKey(l.Session, l.Base+int64(i)+1), raw)
	}
	return nil
}

func (b *batch) keepRecords(l lesson.Lesson, lines int, records []encodedRecord) {
	if lines == 0 && len(records) == 0 {
		return
	}
	var kept batchOfShed
	if lines > 0 {
		kept.First, kept.Last = l.Base+1, l.Base+int64(lines)
	}
	for _, r := range records {
		b.put(recordBucket, recordKey(l.Session, r.id), dated(b.today, r.raw))
		kept.Records = append(kept.Records, r.id)
	}
	raw, err := marshal(kept)
	b.fail(err)
	b.put(ageBucket, shedAgeKey(b.today, l.Session, l.Revision), raw)
}

type encodedRecord struct {
	id  string
	raw []byte
}

func encodeRecords(session string, records []lesson.Record) ([]encodedRecord, error) {
	encoded := make([]encodedRecord, len(records))
	for i, r := range records {
		raw, err := encode(r.ID, r)
		if err != nil {
			return nil, fmt.Errorf("a record of lesson %q: %w", session, err)
		}
		encoded[i] = encodedRecord{r.ID, raw}
	}
	return encoded, nil
}

// Commit implements room.Store.
func (s *Store) Commit(ctx context.Context, c room.Change) error {
	p, err := newPlan(c)
	if err != nil {
		return err
	}
	return s.write(ctx, p.apply)
}

// plan is a room.Change, encoded.
type plan struct {
	room.Change
	roomRaw []byte
	swap    swap
	start   swap // of which only raw and next count
	bans    []encodedBan
}

func newPlan(c room.Change) (*plan, error) {
	p := &plan{Change: c}
	stored := c.Room
	stored.Revision++
	var errs [5]error
	errs[3] = c.Check()
	p.bans, errs[4] = encodeBans(c)
	p.roomRaw, errs[0] = encode(stored.Name, stampRoom(stored))
	if c.Swap != nil {
		p.swap, errs[1] = newSwap(*c.Swap)
	}
	if c.Start != nil {
		p.start.next = whole(own(plain(*c.Start)))
		p.start.raw, errs[2] = encode(c.Start.Session, stampLesson(p.start.next))
	}
	return p, errors.Join(errs[:]...)
}

func (p *plan) apply(b *batch) error {
	if ok, err := p.roomFits(b); !ok {
		return orConflict(err)
	}
	var swapped *staged
	if p.Swap != nil {
		st, err := b.lesson(p.Swap.Session)
		if err != nil || !p.swap.fits(st.now) {
			return orConflict(ignore(err, room.ErrNoLesson))
		}
		swapped = st
	}
	if p.Start != nil {
		if _, err := b.lesson(p.Start.Session); !errors.Is(err, room.ErrNoLesson) {
			return orConflict(err)
		}
		b.begin(p.start)
	}
	if swapped != nil {
		swapped.become(p.swap.next, p.swap.raw)
	}
	if p.Delete {
		b.delete(roomBucket, []byte(p.Room.Name))
	} else {
		b.put(roomBucket, []byte(p.Room.Name), p.roomRaw)
	}
	b.keepBans(p.bans)
	return nil
}

func (p *plan) roomFits(b *batch) (bool, error) {
	value := b.get(roomBucket, []byte(p.Room.Name))
	if value == nil || p.Create {
		return value == nil && p.Create, nil
	}
	var stored room.Room
	if err := decodeRoom(value, &stored); err != nil {
		return false, err
	}
	return stored.Revision == p.Room.Revision, nil
}

// begin adds a lesson that was unknown, to those of its room too. The retention may have removed one of
// the same name in this very transaction.
func (b *batch) begin(first swap) {
	st := &staged{}
	st.become(first.next, first.raw)
	b.put(openBucket, openingOfLesson(first.next), nil)
	b.lessons[first.next.Session] = st
}

func conflict(winner lesson.Lesson) error { return &room.Conflict{Winner: &winner} }

// orConflict is err, or a conflict without a winner.
func orConflict(err error) error {
	if err != nil {
		return err
	}
	return &room.Conflict{}
}

func ignore(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}

// encode gives the JSON of a value that is stored under name.
func encode(name string, v any) ([]byte, error) {
	if name == "" || len(name) > maxName {
		return nil, fmt.Errorf("a name of %d bytes cannot be stored; 1 to %d are possible", len(name), maxName)
	}
	raw, err := marshal(v)
	if err != nil {
		return nil, fmt.Errorf("%q cannot be stored: %w", name, err)
	}
	return raw, nil
}

// marshal is json.Marshal without the escapes that only HTML needs.
func marshal(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), err
}
