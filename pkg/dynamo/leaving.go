package dynamo

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
)

// departure is a Leave in the words of an expression. It may deny what the rules allow,
// where a count would come to nothing or another entry is about the same user: then the
// rules themselves store it.
func (s *Store) departure(d lesson.Departure) *update {
	u := newUpdate()
	conn, size := u.entry("conns", d.Conn.ID), int64(d.Size())
	u.schema()
	u.when("%s = %s", u.attr("policyVersion"), u.number(d.PolicyVersion))
	u.when("%s = %s", u.attr("status"), u.value(str(string(d.Status))))
	u.started(d.StartedAt)
	if d.Status != journal.Ended {
		u.when("%s > %s", u.attr("limit"), u.number(0))
	}
	u.when("size(%s) < %s", u.attr("tail"), u.number(lesson.MaxTail))
	u.when("%s <= %s", u.attr("bytes"), u.number(lesson.FullSize-size))
	if d.Outside {
		u.comeInside(d, conn)
	} else {
		u.leave(d.Was, conn)
	}
	u.set(conn, u.value(connValue(d.Conn)))
	u.set(u.attr("tail"), fmt.Sprintf("list_append(%s, %s)", u.attr("tail"), u.value(listValue([]journal.Line{d.Line}, lineFields))))
	u.plus("bytes", size)
	return u
}

func connValue(v lesson.Conn) types.AttributeValue {
	return value(v, func(c *coder, v *lesson.Conn) { connFields(c, v.ID, v) })
}

// started asks for the same start, which is not stored while there is none.
func (u *update) started(at epoch.Instant) {
	if at == 0 {
		u.when("attribute_not_exists(%s)", u.attr("startedAt"))
		return
	}
	u.when("%s = %s", u.attr("startedAt"), u.number(int64(at)))
}

// leave is the departure of a connection that stands in the item: a Shed that was decided
// with it in meets another revision.
func (u *update) leave(was lesson.Conn, conn string) {
	u.when("%s = %s", conn, u.value(connValue(was)))
	u.plus("revision", 1)
	if was.In() && was.User != "" {
		user := u.entry("users", was.User)
		u.when("%s = %s", user, u.number(1))
		u.set(user, u.number(0))
	}
	u.plus("live", -int64(seatsOf(was)))
}

// comeInside is the departure of a connection that stands in a record: it is counted no
// more among those outside.
func (u *update) comeInside(d lesson.Departure, conn string) {
	u.when("attribute_not_exists(%s)", conn)
	u.when("%s = %s", u.attr("shed"), u.number(d.Shed))
	u.plus("added", 1)
	if !d.Was.In() {
		return
	}
	u.less(u.attr("outside"))
	if d.Was.Observer {
		u.less(u.attr("observersOutside"))
	} else {
		u.less(u.entry("outsideByRole", roleMark+d.Was.Role))
	}
}

// less takes one from a count of which more is left.
func (u *update) less(path string) {
	u.when("%s > %s", path, u.number(1))
	u.set(path, path+" - "+u.number(1))
}
