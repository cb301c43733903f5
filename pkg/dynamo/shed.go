package dynamo

import (
	"context"
	"fmt"
	"slices"

	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

// Shed implements room.Store: BatchWriteItem for records and chunks, which come
// out the same when they are written twice, then one UpdateItem that removes
// entries and lines one by one and so leaves alone those added meanwhile.
func (s *Store) Shed(ctx context.Context, l lesson.Lesson, shed lesson.Shed) (lesson.Lesson, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	if err := s.putAll(ctx, "Shed", s.leaving(l, shed)); err != nil {
		return lesson.Lesson{}, err
	}
	u := s.removal(l, shed)
	if u.large() || movesGate(l, shed) {
		return s.shedByRules(ctx, l, shed)
	}
	return s.update(ctx, "Shed", l.Session, u)
}

// shedByRules stores the lesson without the shed entries and lines, also where
// others were added to it.
func (s *Store) shedByRules(ctx context.Context, l lesson.Lesson, shed lesson.Shed) (lesson.Lesson, error) {
	return s.byRules(ctx, "Shed", l.Session, func(now lesson.Lesson) (lesson.Lesson, error) {
		if now.Revision != l.Revision || now.Gate().Limit != l.Gate().Limit {
			return now, &room.Conflict{Winner: &now}
		}
		return shed.Apply(now), nil
	})
}

// leaving gives the items of the records and lines that leave l.
func (s *Store) leaving(l lesson.Lesson, shed lesson.Shed) []item {
	var items []item
	last := map[string]lesson.Record{}
	for _, r := range shed.Records {
		last[r.ID] = r
	}
	for _, r := range last {
		items = append(items, s.recordItem(l.Session, r))
	}
	seq := l.Base + 1
	for lines := range slices.Chunk(l.Tail[:shed.Lines], chunkLines) {
		items = append(items, s.chunkItem(l.Session, seq, lines))
		seq += int64(len(lines))
	}
	return items
}

func (s *Store) recordItem(session string, r lesson.Record) item {
	return s.beside(recordKey(session, r.ID), func(c *coder) { recordFields(c, &r) })
}

func (s *Store) chunkItem(session string, seq int64, lines []journal.Line) item {
	k := key(lessonMark+session, chunkSort(seq))
	return s.beside(k, func(c *coder) { list(c, "lines", &lines, lineFields) })
}

// beside is an item that belongs to a lesson.
func (s *Store) beside(k item, fields func(*coder)) item {
	c, expires := writer(), s.expires()
	fields(c)
	num(c, "expires", &expires)
	for name, v := range k {
		c.item[name] = v
	}
	return c.item
}

// removal is a Shed in the words of an expression. It is said from the lesson
// as it was loaded: only what raises the revision changes entries that stood in it then,
// and Adds and Leaves change none of the attributes that are set here to a value of their own.
func (s *Store) removal(l lesson.Lesson, shed lesson.Shed) *update {
	u, next := newUpdate(), shed.Apply(l)
	before, after := compile(l), compile(next)
	u.schema()
	u.when("%s = %s", u.attr("revision"), u.number(l.Revision))
	u.when("%s = %s", u.attr("limit"), u.number(int64(before.Limit)))
	for i := range shed.Lines {
		u.remove(fmt.Sprintf("%s[%d]", u.attr("tail"), i))
	}
	u.removeAll("conns", shed.Conns)
	u.removeAll("promises", shed.Promises)
	u.removeAll("seen", shed.Seen)
	for user, n := range before.users {
		if less := n - after.users[user]; less > 0 {
			path := u.entry("users", user)
			u.set(path, fmt.Sprintf("%s - %s", path, u.number(int64(less))))
		}
	}
	u.plus("live", int64(after.Live-before.Live))
	bytes := u.attr("bytes")
	u.set(bytes, fmt.Sprintf("if_not_exists(%s, %s) - %s", bytes, u.number(int64(before.size)), u.number(int64(before.size-after.size))))
	s.putNumbers(u, next, after)
	u.goOutside(l, shed)
	return u
}

// putNumbers sets the numbers of next that do not depend on adds.
func (s *Store) putNumbers(u *update, next lesson.Lesson, g gate) {
	u.put("limit", number(int64(g.Limit)))
	u.put("after", number(int64(g.CreatedAfter)))
	for name, n := range map[string]int64{
		"revision": next.Revision, "base": next.Base, "shed": next.Shed,
		"floor": int64(next.ShedThrough), "promisedThrough": int64(next.PromisedThrough), "shedAt": int64(s.now()),
	} {
		u.put(name, number(n))
	}
	if next.Status == journal.Ended {
		u.put("expires", number(s.expires()))
	}
}

// goOutside adds to the counts of those outside, by what they are, from which a Leave
// may take meanwhile.
func (u *update) goOutside(l lesson.Lesson, shed lesson.Shed) {
	u.plus("outside", shed.PresentOutside)
	if shed.ObserversOutside > 0 {
		u.more(u.attr("observersOutside"), shed.ObserversOutside)
	}
	if len(l.OutsideByRole) == 0 && len(shed.OutsideByRole) > 0 {
		c := writer()
		byRole(counts[int64])(c, "outsideByRole", &shed.OutsideByRole)
		u.put("outsideByRole", c.item["outsideByRole"])
		return
	}
	for role, n := range shed.OutsideByRole {
		u.more(u.entry("outsideByRole", roleMark+role), n)
	}
}

// more adds to a count that need not be there.
func (u *update) more(path string, n int64) {
	u.set(path, fmt.Sprintf("if_not_exists(%s, %s) + %s", path, u.number(0), u.number(n)))
}

func (u *update) removeAll(name string, ids []string) {
	for _, id := range ids {
		u.remove(u.entry(name, id))
	}
}
