package roomtest

import (
	"fmt"
	"maps"

	"usher/pkg/room"
)

// noon is when the samples happen.
const noon room.Time = 1_700_000_000_000

// seats is a policy with that cap.
func seats(n int) room.Policy {
	return room.StoredPolicy(fmt.Sprintf(`{"maxSeats":%d,"duplicateUser":"allow"}`, n))
}

// running is a lesson that goes on, with a cap and nobody in.
func running(limit int) room.Lesson {
	return room.Lesson{
		Session: fresh("s"), Room: fresh("room"), Created: noon,
		Policy: seats(limit), PolicyVersion: 1,
		Rules:  []room.Rule{{Since: noon, Quorum: 2, Seconds: 3600}},
		Status: room.Running, StartedAt: noon,
		Conns: map[string]room.Conn{}, Promises: map[string]room.Promise{}, Seen: map[string]room.Time{},
		Due: noon + 3600*room.Second,
	}
}

// seated is a connection that took a seat n seconds after the start.
func seated(id, user string, n int) room.Conn {
	at := noon + 1000 + room.Time(n)*room.Second
	return room.Conn{
		ID: id, User: user, State: room.Seated, Created: true,
		CreatedAt: at, HeardAt: at + 40, ShownAt: at,
	}
}

func line(conn, user string, at room.Time) room.Line {
	return room.Line{
		At: at, EventAt: at - 7, Event: room.ConnectionCreated,
		Connection: conn, User: user, Action: room.DidSeat,
	}
}

// arrival fits l, whatever its name, where a seat is free.
func arrival(l room.Lesson, id, user string, n int) room.Arrival {
	c := seated(id, user, n)
	return room.Arrival{
		Session: l.Session, PolicyVersion: l.PolicyVersion,
		Conn: c, Line: line(id, user, c.HeardAt),
	}
}

// gone is c after it left.
func gone(c room.Conn) room.Conn {
	c.Destroyed, c.LeftAt = true, c.CreatedAt+500
	return c
}

// with gives l with the connections, its maps its own.
func with(l room.Lesson, conns ...room.Conn) room.Lesson {
	l.Conns = maps.Clone(l.Conns)
	for _, c := range conns {
		l.Conns[c.ID] = c
	}
	return l
}

// long gives l with n log lines.
func long(l room.Lesson, n int) room.Lesson {
	l.Tail = nil
	for i := range n {
		l.Tail = append(l.Tail, line(fmt.Sprintf("c%d", i), "u", noon+room.Time(i)))
	}
	return l
}

// full sets every field that a lesson, and what is in it, has.
func full() room.Lesson {
	l := running(9)
	l.Own, l.Status, l.Outcome = true, room.Ended, room.Completed
	l.Revision, l.Added, l.PolicyVersion = 7, 3, 4
	l.Policy = room.StoredPolicy(`{"maxSeats": 9, "lessonSeconds":60,` + "\n" + ` "archive":true}`)
	l.Rules = []room.Rule{{Since: 1, Quorum: 2, Seconds: 3}, {Since: 4}}
	l.EndedAt, l.Extended, l.FixedEnd = noon+9, -4, noon+8
	l.Base, l.Shed, l.Floor, l.Outside = 16, 5, noon-1, 2
	l.ReadAt, l.WatchAt, l.Empty, l.Due, l.BlindUntil, l.SettledAt, l.ClearAt = noon+1, noon+2, 1, noon+3, noon+4, noon+5, noon+6
	l.Tail = []room.Line{fullLine(), {At: 1, Event: "x", Action: room.DidNothing}}
	l.Seen = map[string]room.Time{"d1": noon, "дайджест": 1}
	l.Promises = map[string]room.Promise{
		"p1": {ID: "p1", User: "李雷", Role: "teacher", GivenAt: 1, Expires: 2, Rides: true, Freed: true, Used: "c1"},
		"p2": {ID: "p2", User: "a b.c[0]#:x"},
	}
	return with(l, fullConn("c1"), room.Conn{ID: "с-два", State: room.Unheard},
		room.Conn{ID: "1.2[3]", User: `"q\" \ 😀`, State: room.Waiting})
}

func fullLine() room.Line {
	return room.Line{
		At: 1, EventAt: 2, Event: "streamCreated", Connection: "c1", Stream: "s1", User: "ann",
		Role: "r", Action: room.DidDisconnect, Reason: room.Admin, Actor: "api", Note: "что-то",
	}
}

func fullConn(id string) room.Conn {
	return room.Conn{
		ID: id, CreatedAt: 1, HeardAt: 2, User: "ann", Role: "teacher", Promise: "p1", Foreign: true,
		State: room.Ousted, Reason: room.DuplicateUser, Held: true, Firm: true, Old: true, Untold: true,
		PlaceAt: 3, PlaceID: "c0", Created: true, Destroyed: true, LeftAt: 4, Bound: true,
		ShownAt: 5, ListedAt: 6, RetryAt: 7, Tries: 8, BackAt: 9, ToldAt: 10,
		Streams: map[string]room.Stream{
			"st-1": {Kind: room.Camera, CreatedAt: 9, Made: true, Gone: true},
			"st 2": {},
		},
	}
}
