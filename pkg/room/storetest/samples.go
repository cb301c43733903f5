package storetest

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
)

// noon is when the samples happen.
const noon epoch.Instant = 1_700_000_000_000

// seats is a policy with that cap.
func seats(n int) policy.Policy {
	return policy.Stored(fmt.Sprintf(`{"maxSeats":%d,"duplicateUser":"allow"}`, n))
}

// seatsOf is a policy with a cap, and another for the students.
func seatsOf(n, students int) policy.Policy {
	return policy.Stored(fmt.Sprintf(`{"maxSeats":%d,"maxByRole":{"student":%d},"duplicateUser":"allow"}`, n, students))
}

// running is a lesson that goes on, with a cap and nobody in.
func running(limit int) lesson.Lesson {
	return lesson.Lesson{
		Session: fresh("s"), Room: fresh("room"), Created: noon,
		Policy: seats(limit), PolicyVersion: 1,
		Rules:  []policy.Rule{{Since: noon, Quorum: 2, Seconds: 3600}},
		Status: journal.Running, StartedAt: noon,
		Conns: map[string]lesson.Conn{}, Promises: map[string]lesson.Promise{}, Seen: map[string]epoch.Instant{},
		Due: noon.Add(3600 * time.Second),
	}
}

// seated is a connection that took a seat n seconds after the start.
func seated(id, user string, n int) lesson.Conn {
	at := (noon + 1000).Add(time.Duration(n) * time.Second)
	return lesson.Conn{
		ID: id, User: user, State: lesson.Seated, Created: true,
		CreatedAt: at, HeardAt: at + 40, ShownAt: at,
	}
}

// student is a student who took a seat at the start.
func student(id, user string) lesson.Conn {
	c := seated(id, user, 0)
	c.Role = "student"
	return c
}

func line(conn, user string, at epoch.Instant) journal.Line {
	return journal.Line{
		At: at, EventAt: at - 7, Event: journal.ConnectionCreated,
		Connection: conn, User: user, Action: journal.DidSeat,
	}
}

// arrival fits l, whatever its name, where a seat is free.
func arrival(l lesson.Lesson, id, user string, n int) lesson.Arrival {
	c := seated(id, user, n)
	return lesson.Arrival{
		Session: l.Session, PolicyVersion: l.PolicyVersion,
		Conn: c, Line: line(id, user, c.HeardAt),
	}
}

// gone is c after it left.
func gone(c lesson.Conn) lesson.Conn {
	c.Destroyed, c.LeftAt = true, c.CreatedAt+500
	return c
}

// with gives l with the connections, its maps its own.
func with(l lesson.Lesson, conns ...lesson.Conn) lesson.Lesson {
	l.Conns = maps.Clone(l.Conns)
	for _, c := range conns {
		l.Conns[c.ID] = c
	}
	return l
}

// long gives l with n log lines.
func long(l lesson.Lesson, n int) lesson.Lesson {
	l.Tail = nil
	for i := range n {
		l.Tail = append(l.Tail, line(fmt.Sprintf("c%d", i), "u", noon+epoch.Instant(i)))
	}
	return l
}

// fill gives l with people who have left and a last line, so that it takes that
// many bytes.
func fill(l lesson.Lesson, bytes int) lesson.Lesson {
	l.Conns = crowd(400)
	l.Tail = []journal.Line{{At: noon, Event: journal.FromAPI, Action: journal.DidPolicy}}
	l.Tail[0].Note = journal.Note(strings.Repeat("x", bytes-l.Size()))
	return l
}

// full sets every field that a lesson, and what is in it, has.
func full() lesson.Lesson {
	l := running(9)
	l.Own, l.Status, l.Outcome = true, journal.Ended, journal.Completed
	l.Revision, l.Added, l.PolicyVersion = 7, 3, 4
	l.Policy = policy.Stored(`{"maxSeats": 9, "lessonSeconds":60,` + "\n" + ` "archive":true}`)
	l.Rules = []policy.Rule{{Since: 1, Quorum: 2, Seconds: 3, Roles: map[string]int{"": 1, "учитель": 2}, Opens: 4, Pauses: true}, {Since: 4}}
	l.PausedMillis, l.PausedAt, l.ResumedAt, l.SettledThrough, l.SettledMillis, l.SettledPausedAt, l.WarnedThrough = 1, 2, 3, 4, 5, 6, 7
	l.Stays = map[string]lesson.Stay{"c 9 😀": {Person: "ued", Role: "учитель", From: 7, To: 8}, "c8": {Person: "cc8", From: 9}}
	l.EndedAt, l.ExtendedMillis, l.FixedEnd = noon+9, -4, noon+8
	l.Base, l.Shed, l.ShedThrough, l.PresentOutside = 16, 5, noon-1, 2
	l.NotFound, l.NotFoundSince = 2, noon+7
	l.Refusals = map[string]epoch.Instant{"room-full ed": noon + 8}
	l.PromisedThrough, l.Backlog = noon+8, true
	l.RoomCreated, l.Bans, l.ObserversOutside, l.OutsideByRole = noon-2, 3, 1, map[string]int64{"": 1, "учитель r:": 2}
	l.BansToKeep = map[string]lesson.Ban{"ed 😀": fullBan("ed 😀"), "fy": {User: "fy"}}
	l.OutsideReviewAt, l.StreamsReadAt, l.StreamsUnread = noon+9, noon+10, 2
	l.ReadAt, l.WatchAt, l.EmptyReadings, l.Due, l.ListRefusedUntil, l.ReconciledAt, l.OutsideRetryAt = noon+1, noon+2, 1, noon+3, noon+4, noon+5, noon+6
	l.Tell = &lesson.Tell{Through: 17, AskedAt: noon + 11, Tries: 3}
	l.Tail = []journal.Line{fullLine(), {At: 1, Event: "x", Action: journal.DidNothing}}
	l.Seen = map[string]epoch.Instant{"d1": noon, "дайджест": 1}
	l.Promises = map[string]lesson.Promise{
		"p1": {ID: "p1", User: "李雷", Role: "teacher", GivenAt: 1, Expires: 2, ForExistingSeat: true, Released: true, Used: "c1", Tokens: 3, Came: 2, AskedAt: 4, Observer: true},
		"p2": {ID: "p2", User: "a b.c[0]#:x"},
	}
	return with(l, fullConn("c1"), lesson.Conn{ID: "с-два", State: lesson.ListedOnly},
		lesson.Conn{ID: "1.2[3]", User: `"q\" \ 😀`, State: lesson.Waiting})
}

func fullLine() journal.Line {
	return journal.Line{
		At: 1, EventAt: 2, Event: "streamCreated", Connection: "c1", Stream: "s1", User: "ann",
		Role: "r", Action: journal.DidDisconnect, Reason: journal.Admin, Actor: "api", Note: "что-то",
		Because: journal.Proof{Holders: []string{"c0", journal.Promised("李雷")}, ReadAt: 3}.Said(),
	}
}

func fullBan(user string) lesson.Ban {
	return lesson.Ban{User: user, Until: noon + 7, Note: "за шум", At: noon, Actor: "api"}
}

func fullConn(id string) lesson.Conn {
	return lesson.Conn{
		ID: id, CreatedAt: 1, HeardAt: 2, User: "ann", Role: "teacher", Promise: "p1", Foreign: true, Observer: true,
		State: lesson.Evicted, Reason: journal.DuplicateUser, Reserved: true, Confirmed: true, HeardLate: true, Unlogged: true,
		PlaceAt: 3, PlaceID: "c0", Created: true, Destroyed: true, LeftAt: 4, LeftLowerBound: true,
		ShownAt: 5, ListedAt: 6, RetryAt: 7, Tries: 8, BackAt: 9, DisconnectRequestedAt: 10, ByPromise: true, WaitsSince: 14, CountedUntil: 15, DepartureHeardAt: 11, DepartureCheckAt: 12, RefutedLeftAt: 13, GivenUp: true,
		Streams: map[string]lesson.Stream{
			"st-1": {Kind: policy.Camera, CreatedAt: 9, Made: true, Gone: true, AskedAt: 10, GraceEndsAt: 11},
			"st 2": {},
		},
	}
}
