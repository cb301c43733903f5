package dynamo

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

// Lesson implements room.Store: one GetItem, or with records one BatchGetItem.
func (s *Store) Lesson(ctx context.Context, session string, records ...string) (lesson.Lesson, []lesson.Record, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	if len(records) > 0 {
		return s.lessonWith(ctx, session, records)
	}
	l, err := s.lesson(ctx, "Lesson", session)
	return l, nil, err
}

func (s *Store) lesson(ctx context.Context, op, session string) (lesson.Lesson, error) {
	i, err := s.get(ctx, op, lessonKey(session))
	if err != nil {
		return lesson.Lesson{}, err
	}
	if i == nil {
		return lesson.Lesson{}, noLesson(session)
	}
	return decodeLesson(i)
}

func noLesson(session string) error {
	return fmt.Errorf("%w: session %q", room.ErrNoLesson, session)
}

// get reads an item as it stands now; nil where there is none.
func (s *Store) get(ctx context.Context, op string, k item) (item, error) {
	out, err := s.api.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &s.table, Key: k, ConsistentRead: aws.Bool(true), ReturnConsumedCapacity: s.report(),
	}, plainBody)
	if err != nil {
		return nil, fault(op, err)
	}
	s.read(op, out.ConsumedCapacity)
	return out.Item, nil
}

// Add implements room.Store: one UpdateItem, whose condition is Arrival.Fits
// said about the stored gate. The gate may deny an arrival that the rules allow;
// then it is stored by the rules themselves.
func (s *Store) Add(ctx context.Context, a lesson.Arrival) (lesson.Lesson, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	if a.Conn.State != lesson.Seated && !a.Waits() || a.Conn.LeftAt != 0 {
		return s.byRules(ctx, "Add", a.Session, whereItFits(a))
	}
	return s.byGate(ctx, "Add", a.Session, a, s.addition(a))
}

// addition is an Add in the words of an expression.
func (s *Store) addition(a lesson.Arrival) *update {
	u := newUpdate()
	conn, user := u.entry("conns", a.Conn.ID), ""
	u.schema()
	u.when("%s = %s", u.attr("policyVersion"), u.number(a.PolicyVersion))
	u.bans(a.Bans)
	u.when("attribute_not_exists(%s)", conn)
	u.when("size(%s) < %s", u.attr("tail"), u.number(lesson.MaxTail))
	u.when("%s <= %s", u.attr("bytes"), u.number(int64(lesson.FullSize-a.Size())))
	if a.Conn.User != "" {
		user = u.entry("users", a.Conn.User)
		u.set(user, fmt.Sprintf("if_not_exists(%s, %s) + %s", user, u.number(0), u.number(1)))
	}
	u.set(conn, u.value(connValue(a.Conn)))
	u.plus("added", 1)
	u.plus("bytes", int64(a.Size()))
	if a.Waits() {
		u.wait(a)
	} else {
		u.sit(a, user)
	}
	return u
}

// sit is an arrival that takes a free seat: its conditions and changes.
func (u *update) sit(a lesson.Arrival, user string) {
	u.when("%s < %s", u.attr("live"), u.attr("limit"))
	u.when("%s < %s", u.attr("after"), u.number(int64(a.Conn.CreatedAt)))
	if a.Pinned {
		u.when("%s = %s", u.attr("shed"), u.number(a.Shed))
	}
	if a.Alone && user != "" {
		u.when("(attribute_not_exists(%s) OR %s = %s)", user, user, u.number(0))
	}
	u.set(u.attr("tail"), fmt.Sprintf("list_append(%s, %s)", u.attr("tail"), u.value(listValue([]journal.Line{a.Line}, lineFields))))
	seats := seatsOf(a.Conn)
	u.plus("live", int64(seats))
	if a.RoleCapped {
		u.sitInRole(a.Conn.Role, seats)
	}
}

// sitInRole is what a role with a cap of its own adds. An item that nobody has
// counted by roles has no such entry, and the condition fails.
func (u *update) sitInRole(role string, seats int) {
	gate := u.role(role)
	live := gate + "." + u.attr("live")
	u.when("%s < %s.%s", live, gate, u.attr("limit"))
	if seats > 0 {
		u.set(live, live+" + "+u.number(int64(seats)))
	}
}

// bans asks for the number of bans, which is not stored while it is 0.
func (u *update) bans(n int64) {
	if n == 0 {
		u.when("(attribute_not_exists(%s) OR %s = %s)", u.attr("bans"), u.attr("bans"), u.number(0))
		return
	}
	u.when("%s = %s", u.attr("bans"), u.number(n))
}

// wait is an arrival that joins the people who wait: its conditions and changes.
// Nobody is seated by an Add any more.
func (u *update) wait(a lesson.Arrival) {
	u.when("%s <> %s", u.attr("status"), u.value(str(string(journal.Ended))))
	u.when("(attribute_not_exists(%s) OR %s < %s)", u.attr("floor"), u.attr("floor"), u.number(int64(a.Conn.CreatedAt)))
	u.when("%s >= %s", u.attr("dueAt"), u.number(int64(a.Due)))
	u.put("dueAt", number(int64(a.Due)))
	u.put("limit", number(0))
}

// Leave implements room.Store: one UpdateItem, like an Add's.
func (s *Store) Leave(ctx context.Context, d lesson.Departure) (lesson.Lesson, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	if d.Status != journal.Running && d.Status != journal.Ended {
		return s.byRules(ctx, "Leave", d.Session, whereItFits(d))
	}
	return s.byGate(ctx, "Leave", d.Session, d, s.departure(d))
}

// oneConn is an Arrival or a Departure.
type oneConn interface {
	Fits(l lesson.Lesson) bool
	Into(l lesson.Lesson) lesson.Lesson
}

// byGate stores c by an expression, and by the rules where that denies what they allow.
func (s *Store) byGate(ctx context.Context, op, session string, c oneConn, u *update) (lesson.Lesson, error) {
	l, err := s.update(ctx, op, session, u)
	var lost *room.Conflict
	if errors.As(err, &lost) && c.Fits(*lost.Winner) {
		return s.byRules(ctx, op, session, whereItFits(c))
	}
	return l, err
}

// whereItFits makes of a lesson what the rules do.
func whereItFits(c oneConn) func(lesson.Lesson) (lesson.Lesson, error) {
	return func(l lesson.Lesson) (lesson.Lesson, error) {
		if !c.Fits(l) {
			return l, &room.Conflict{Winner: &l}
		}
		return c.Into(l), nil
	}
}

// byRules loads a lesson, has next made of it and stores that if nobody was
// faster; else again, as often as the time allows.
func (s *Store) byRules(ctx context.Context, op, session string, make func(lesson.Lesson) (lesson.Lesson, error)) (lesson.Lesson, error) {
	l, err := s.lesson(ctx, op, session)
	for err == nil {
		var next lesson.Lesson
		if next, err = make(l); err != nil {
			return lesson.Lesson{}, err
		}
		next, err = s.update(ctx, op, session, s.replacement(l, next))
		var lost *room.Conflict
		if !errors.As(err, &lost) {
			return next, err
		}
		l, err = *lost.Winner, nil
	}
	return lesson.Lesson{}, err
}

// replacement stores next as it is in the place of l.
func (s *Store) replacement(l, next lesson.Lesson) *update {
	u := newUpdate()
	u.all(whole(next, s.expires()))
	u.known()
	u.when("%s = %s", u.attr("revision"), u.number(l.Revision))
	u.when("%s = %s", u.attr("added"), u.number(l.Added))
	return u
}

// swapped is a Swap in the words of an expression.
func (s *Store) swapped(next lesson.Lesson) *update {
	l := next
	next.Revision++
	return s.replacement(l, next)
}

// Swap implements room.Store: one UpdateItem.
func (s *Store) Swap(ctx context.Context, next lesson.Lesson) (lesson.Lesson, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	return s.update(ctx, "Swap", next.Session, s.swapped(next))
}

// update changes a lesson and gives it as it is stored then, or a *Conflict with
// the lesson that was stored instead. Where that may be the work of this update
// itself, sent once more by the SDK because the answer was lost, the error is
// ErrUnavailable: the caller has to look.
func (s *Store) update(ctx context.Context, op, session string, u *update) (lesson.Lesson, error) {
	in := &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: lessonKey(session),
		UpdateExpression: u.expression(), ConditionExpression: u.condition(),
		ExpressionAttributeNames: u.names, ExpressionAttributeValues: u.values,
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		ReturnConsumedCapacity:              s.report(),
	}
	var out *dynamodb.UpdateItemOutput
	var tries attempts
	err := again(ctx, func() (err error) {
		out, err = s.api.UpdateItem(ctx, in, plainBody, tries.watch)
		return err
	})
	var failed *types.ConditionalCheckFailedException
	switch {
	case errors.As(err, &failed) && !tries.unclear:
		return lesson.Lesson{}, winner(session, failed.Item)
	case err != nil:
		return lesson.Lesson{}, fault(op, err)
	}
	s.wrote(op, out.ConsumedCapacity)
	return decodeLesson(out.Attributes)
}

// winner is the error for a condition that did not hold for the stored item.
func winner(session string, stored item) error {
	if len(stored) == 0 {
		return noLesson(session)
	}
	l, err := decodeLesson(stored)
	if err != nil {
		return err
	}
	return &room.Conflict{Winner: &l}
}
