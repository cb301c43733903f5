package picture_test

import (
	"fmt"
	"strings"
	"time"

	"usher/pkg/attendance"
	"usher/pkg/attendance/picture"
	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
)

// six is 18:00 in Berlin, where the samples are read.
var six = epoch.Of(time.Date(2026, 12, 1, 17, 0, 0, 0, time.UTC))

// at is so long after six: "12m30s".
func at(after string) epoch.Instant {
	d, err := time.ParseDuration(after)
	if err != nil {
		panic(err)
	}
	return six.Add(d)
}

func berlin() *time.Location {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	return zone
}

// conn is a seated connection, by webhooks from one moment to another; "": it is in.
func conn(id, user, role, from, to string, change ...func(*lesson.Conn)) lesson.Conn {
	c := lesson.Conn{ID: id, User: user, Role: role, State: lesson.Seated, Created: true, CreatedAt: at(from), ShownAt: at(from)}
	if to != "" {
		c.Destroyed, c.LeftAt = true, at(to)
	}
	for _, f := range change {
		f(&c)
	}
	return c
}

func bound(c *lesson.Conn)    { c.Destroyed, c.LeftLowerBound = false, true }
func observer(c *lesson.Conn) { c.Observer = true }

// record is that of a lesson as attendance makes it.
func record(l lesson.Lesson, now epoch.Instant, conns ...lesson.Conn) attendance.Record {
	l.Conns = map[string]lesson.Conn{}
	for _, c := range conns {
		l.Conns[c.ID] = c
	}
	return attendance.Open(l, now).Close()
}

// eventful is a lesson with everything in it.
func eventful() picture.Lesson {
	l := lesson.Lesson{
		Session: "2_MX4xMjM0NTZ-fjE3", Room: "piano-7", Status: journal.Ended, Outcome: journal.Completed,
		StartedAt: at("3s"), EndedAt: at("1h12m3s"),
		Rules: policy.FirstRules(policy.Stored(`{"quorumRoles":{"teacher":1,"student":1},"lessonSeconds":3600,"clock":"pause"}`)),
	}
	r := record(
		l, at("1h15m"),
		conn("T1", "Frau Dr. Schneider-Lüdenscheidt", "teacher", "-4m", "25m"), conn("T2", "Frau Dr. Schneider-Lüdenscheidt", "teacher", "24m20s", "1h12m3s"),
		conn("S1", "bob", "student", "3s", "31m10s"), conn("S2", "bob", "student", "38m", "1h12m3s"),
		conn("R1", "rex", "recorder", "-2m", "1h12m3s", observer),
		conn("H1", "נועה לוי", "guest", "10m", "52m", bound),
		conn("U1", "", "", "20m", "41m30s"),
		conn("X1", `<script>alert("x")</script>`, `"><&`, "15m", "16m10s"),
	)
	log := []journal.Line{
		{At: at("-10m"), Event: journal.FromJoin, User: "eve", Action: journal.DidRefuse, Reason: journal.TooEarly},
		{At: at("-3m"), EventAt: at("-3m"), Event: journal.StreamCreated, Connection: "T1", Stream: "t1", Action: journal.DidNothing, Note: "camera"},
		{At: at("20s"), EventAt: at("10s"), Event: journal.StreamCreated, Connection: "S1", Stream: "s1", Action: journal.DidNothing, Note: "camera"},
		{At: at("8m"), EventAt: at("8m"), Event: journal.StreamCreated, Connection: "S1", Stream: "s2", Action: journal.DidNothing, Note: "screen"},
		{At: at("8m"), EventAt: at("8m5s"), Event: journal.StreamCreated, Connection: "S1", Stream: "s2", Action: journal.DidAskAway, Reason: "screen-not-allowed"},
		{At: at("19m"), EventAt: at("19m"), Event: journal.StreamDestroyed, Connection: "S1", Stream: "s2", Action: journal.DidNothing},
		{At: at("16m10s"), Event: journal.FromAPI, Connection: "X1", User: `<script>alert("x")</script>`, Action: journal.DidDisconnect, Reason: journal.Admin},
		{At: at("22m"), EventAt: at("22m"), Event: journal.ConnectionCreated, Connection: "E1", User: "eve", Action: journal.DidRefuse, Reason: journal.RoomFull},
		{At: at("23m"), EventAt: at("23m"), Event: journal.ConnectionCreated, Connection: "F1", Action: journal.DidRefuse, Reason: journal.NoTicket},
		{At: at("24m30s"), EventAt: at("24m30s"), Event: journal.StreamCreated, Connection: "T2", Stream: "t2", Action: journal.DidNothing, Note: "camera"},
		{At: at("30m"), EventAt: at("30m"), Event: journal.StreamCreated, Connection: "T2", Stream: "t3", Action: journal.DidNothing, Note: "screen"},
		{At: at("45m"), Event: journal.FromReconcile, Connection: "T2", Stream: "t3", Action: journal.DidRepair, Note: journal.StreamStopped},
		{At: at("31m11s"), EventAt: at("31m10s"), Event: journal.ConnectionDestroyed, Action: journal.DidPause, Note: journal.PausedFor(0)},
		{At: at("38m"), EventAt: at("38m"), Event: journal.ConnectionCreated, Action: journal.DidResume, Note: journal.PausedFor(410 * time.Second)},
		{At: at("50m"), EventAt: at("1h12m3s"), Event: journal.FromAPI, Action: journal.DidExtend, Note: journal.BySeconds(310)},
		{At: at("1h7m3s"), EventAt: at("1h12m3s"), Event: journal.FromDeadline, Action: journal.DidWarn, Note: journal.Before(5 * time.Minute)},
		{At: at("1h11m3s"), EventAt: at("1h12m3s"), Event: journal.FromDeadline, Action: journal.DidWarn, Note: journal.Before(time.Minute)},
		{At: at("1h12m3s"), Event: journal.FromDeadline, Action: journal.DidEnd, Reason: journal.LessonOver},
		{At: at("1h12m3s"), Event: journal.FromDeadline, Connection: "T2", Action: journal.DidDisconnect, Reason: journal.LessonOver},
	}
	return picture.Lesson{Record: r, Log: log, Zone: berlin()}
}

// crowd is a lesson that goes on, with so many people who came and went in turn.
func crowd(people int) picture.Lesson {
	l := lesson.Lesson{Session: "s", Room: "town-hall", Status: journal.Running, StartedAt: at("1m"), Rules: policy.FirstRules(policy.Stored(`{"quorum":2}`))}
	var conns []lesson.Conn
	var log []journal.Line
	for i := range people {
		id, user := fmt.Sprintf("c%03d", i), fmt.Sprintf("guest-%03d", i)
		from := time.Duration(i*i%97) * 20 * time.Second
		to := (from + time.Duration(10+i*7%40)*time.Minute).String()
		if i%3 == 0 {
			to = ""
		}
		conns = append(conns, conn(id, user, "guest", from.String(), to))
		log = append(log, journal.Line{At: six.Add(from + time.Second), EventAt: six.Add(from + time.Second), Event: journal.StreamCreated, Connection: id, Stream: "of-" + id, Action: journal.DidNothing, Note: "camera"})
	}
	return picture.Lesson{Record: record(l, at("1h20m"), conns...), Log: log, Zone: time.UTC}
}

// drawn is the picture as text.
func drawn(l picture.Lesson) string {
	var b strings.Builder
	if err := picture.Draw(&b, l); err != nil {
		panic(err) // a builder takes everything
	}
	return b.String()
}

func eventless() lesson.Lesson {
	return lesson.Lesson{Session: "s", Room: "empty", Status: journal.Open, Rules: policy.FirstRules(policy.Stored(`{"quorum":2}`))}
}

// midnight is a lesson over midnight in which the clocks are changed.
func midnight() picture.Lesson {
	l := lesson.Lesson{Session: "s", Room: "night-shift", Status: journal.Running, StartedAt: at("0s"), Rules: policy.FirstRules(policy.Stored(`{"quorum":2}`))}
	l.StartedAt = epoch.Of(time.Date(2026, 10, 24, 21, 30, 0, 0, time.UTC))
	ann, bob := conn("A", "ann", "", "0s", ""), conn("B", "bob", "", "0s", "")
	ann.CreatedAt, bob.CreatedAt = l.StartedAt.Add(-time.Minute), l.StartedAt
	return picture.Lesson{Record: record(l, l.StartedAt.Add(5*time.Hour), ann, bob), Zone: berlin()}
}
