package room

// clearAgain is how long the process that ends a large lesson has before others
// go on with those who stand only in records.
const clearAgain = 30 * Second

// Cleared is a handful of people who stood only in records when the lesson
// ended: they are told to go, each with its line in the log.
type Cleared struct {
	Records []Record
	Last    bool // nobody else is outside
}

func (x Cleared) decide(t *turn) error {
	if t.l.Status != Ended {
		return nil
	}
	t.recall(x.Records)
	for _, r := range x.Records {
		if c, here := t.l.Conns[r.ID]; here && c.in() {
			t.oust(c, t.l.endedFor(), Line{Event: t.l.endedBy()})
			t.unwatch(c.ID)
		}
	}
	t.l.ClearAt = t.now + clearAgain
	if x.Last {
		t.l.Outside = 0
	}
	t.changed = true
	return nil
}

// unwatch lets the item forget somebody who was told to go: the list, looked at
// until it is empty, tells who did not.
func (t *turn) unwatch(id string) {
	c := t.l.Conns[id]
	c.RetryAt = 0
	t.put(c)
}

// endedBy and endedFor say what ended the lesson and why, as its log does.
func (l *Lesson) endedBy() string {
	if l.Outcome == ByAdmin {
		return FromAPI
	}
	return FromDeadline
}

func (l *Lesson) endedFor() Reason {
	if l.Outcome == ByAdmin {
		return Admin
	}
	return LessonOver
}

// Missed are people who were told to go while the request to the platform
// failed: it is tried again.
type Missed struct{ Records []Record }

func (x Missed) decide(t *turn) error {
	t.recall(x.Records)
	for _, r := range x.Records {
		if c := t.l.Conns[r.ID]; c.told() && c.LeftAt == 0 {
			c.RetryAt, c.Tries = t.now+backoff(1), 1
			t.put(c)
		}
	}
	return nil
}
