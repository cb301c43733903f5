package journal_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/pkg/epoch"
	"usher/pkg/journal"
)

const noon epoch.Instant = 1_796_126_400_000 // 2026-12-01T12:00:00Z

// about are log lines, one second after the other, the first at noon: a policy.
func about(policy string, lines ...journal.Line) []journal.Line {
	all := append([]journal.Line{{Event: journal.FromAPI, Action: journal.DidPolicy, Note: journal.Note(policy)}}, lines...)
	for i := range all {
		all[i].Seq, all[i].At = int64(i)+1, noon+epoch.Instant(i)*1000
	}
	return all
}

func came(id, user string, action journal.Action, why journal.Reason, because ...journal.Proof) journal.Line {
	l := journal.Line{Event: journal.ConnectionCreated, EventAt: noon + 500, Connection: id, User: user, Action: action, Reason: why}
	for _, p := range because {
		l.Because = p.Said()
	}
	return l
}

func TestExplain(t *testing.T) {
	const x = "The connection X was the user xen. It came at 2026-12-01T12:00:00.500Z, by Vonage's clock; the log speaks of that from 2026-12-01T12:00:0%s.000Z on."
	for name, c := range map[string]struct {
		lines []journal.Line
		from  string
		want  []string
	}{
		"the room is full, of a seat and a promise": {about(`{"maxSeats":2,"maxByRole":{"":1}}`,
			came("A", "ann", journal.DidSeat, ""),
			journal.Line{Event: journal.FromJoin, User: "bob", Action: journal.DidPromise},
			came("X", "xen", journal.DidRefuse, journal.RoomFull, journal.Proof{Holders: []string{"A", "promise:bob"}, ReadAt: noon + 2500})), "3", []string{
			"At 2026-12-01T12:00:03.000Z it was refused a place and told to go: the room was full.",
			`By the policy in force since 2026-12-01T12:00:00.000Z there were 2 seats, 1 of them for the role "".`,
			"A of ann was in, came at 2026-12-01T12:00:00.500Z, held a seat since 2026-12-01T12:00:01.000Z.",
			"A seat was promised to bob, at 2026-12-01T12:00:02.000Z.",
			"The reading of Vonage's list that began at 2026-12-01T12:00:02.500Z proves it.",
		}},
		"another connection of the same user": {about(`{}`,
			came("X", "xen", journal.DidSeat, ""),
			journal.Line{Event: journal.ConnectionCreated, Connection: "X", User: "xen", Action: journal.DidDisconnect, Reason: journal.DuplicateUser, Because: journal.Proof{Holders: []string{"X2"}}.Said()},
			came("X2", "xen", journal.DidSeat, "")), "1", []string{
			"At 2026-12-01T12:00:01.000Z it was let in and took a seat.",
			"At 2026-12-01T12:00:02.000Z it was told to go: its user was in by another connection.",
			"X2 of xen was in, came at 2026-12-01T12:00:00.500Z.",
			"That was known without a reading of Vonage's list.",
		}},
		"banned": {about(`{}`,
			journal.Line{Event: journal.FromAPI, EventAt: noon + 60_000, User: "xen", Action: journal.DidBan, Actor: "root", Note: "for noise"},
			came("X", "xen", journal.DidRefuse, journal.Removed)), "2", []string{
			"At 2026-12-01T12:00:02.000Z it was refused a place and told to go: its user was banned.",
			"xen was banned at 2026-12-01T12:00:01.000Z, until 2026-12-01T12:01:00.000Z, by root.",
		}},
		"banned before the lesson": {about(`{}`, came("X", "xen", journal.DidRefuse, journal.Removed)), "1", []string{
			"At 2026-12-01T12:00:01.000Z it was refused a place and told to go: its user was banned.",
			"The ban is older than this lesson: GET .../bans names it.",
		}},
		"not on the list": {about(`{"allowedUsers":["ann"]}`, came("X", "xen", journal.DidRefuse, journal.NotAllowed)), "1", []string{
			"At 2026-12-01T12:00:01.000Z it was refused a place and told to go: its user was not on the list of those who may come in.",
			`So says the policy in force since 2026-12-01T12:00:00.000Z: {"allowedUsers":["ann"]}`,
		}},
		"too early": {about(`{"opensAt":"2026-12-01T13:00:00Z"}`, came("X", "xen", journal.DidRefuse, journal.TooEarly)), "1", []string{
			"At 2026-12-01T12:00:01.000Z it was refused a place and told to go: the room was not open yet.",
			"By the policy in force since 2026-12-01T12:00:00.000Z the room opens at 2026-12-01T13:00:00.000Z.",
		}},
		"the time was over": {about(`{"lessonSeconds":60}`,
			came("X", "xen", journal.DidSeat, ""),
			journal.Line{Event: journal.FromDeadline, EventAt: noon + 1900, Action: journal.DidEnd, Reason: journal.LessonOver},
			journal.Line{Event: journal.FromDeadline, Connection: "X", User: "xen", Action: journal.DidDisconnect, Reason: journal.LessonOver}), "1", []string{
			"At 2026-12-01T12:00:01.000Z it was let in and took a seat.",
			"At 2026-12-01T12:00:03.000Z it was told to go: the lesson was over.",
			"The lesson had ended at 2026-12-01T12:00:02.000Z: its time was over at 2026-12-01T12:00:01.900Z.",
		}},
		"removed by somebody": {about(`{}`,
			came("X", "xen", journal.DidSeat, ""),
			journal.Line{Event: journal.FromAPI, Connection: "X", User: "xen", Action: journal.DidDisconnect, Reason: journal.Admin, Actor: "root"}), "1", []string{
			"At 2026-12-01T12:00:01.000Z it was let in and took a seat.",
			"At 2026-12-01T12:00:02.000Z it was told to go: somebody asked for it.",
			"It was root who asked, through the API.",
		}},
		"a stream": {about(`{"publish":{"screen":[]}}`,
			came("X", "xen", journal.DidSeat, ""),
			journal.Line{Event: journal.StreamCreated, EventAt: noon + 7000, Connection: "X", Stream: "S", User: "xen", Action: journal.DidAskAway, Reason: "screen-not-allowed"},
			journal.Line{Event: journal.FromReconcile, Connection: "X", Stream: "S", User: "xen", Action: journal.DidDisconnect, Reason: "screen-not-allowed", Because: journal.Proof{ReadAt: noon + 2900}.Said()}), "1", []string{
			"At 2026-12-01T12:00:01.000Z it was let in and took a seat.",
			"At 2026-12-01T12:00:02.000Z it was asked to stop the stream S (screen-not-allowed), by 2026-12-01T12:00:07.000Z.",
			"At 2026-12-01T12:00:03.000Z it was told to go: it published a screen, which its role may not.",
			"The stream was S. It was asked to stop at 2026-12-01T12:00:02.000Z, and had time until 2026-12-01T12:00:07.000Z.",
			"That rests on the reading of Vonage's list that began at 2026-12-01T12:00:02.900Z.",
		}},
		"taken for gone, and shown again": {about(`{}`,
			came("X", "xen", journal.DidSeat, ""),
			journal.Line{Event: journal.FromReconcile, Connection: "X", User: "xen", Action: journal.DidRepair, Reason: journal.Reconciled, Because: journal.Proof{ReadAt: noon + 1500}.Said()},
			journal.Line{Event: journal.FromReconcile, Connection: "X", User: "xen", Action: journal.DidRepair, Reason: journal.Reconciled, Note: journal.ShownAgain},
			journal.Line{Event: journal.ConnectionDestroyed, EventAt: noon + 3900, Connection: "X", User: "xen", Action: journal.DidLeave, Note: "clientDisconnected"}), "1", []string{
			"At 2026-12-01T12:00:01.000Z it was let in and took a seat.",
			"At 2026-12-01T12:00:02.000Z it was known to have left, though no callback said so: Vonage's list did not show it. That rests on the reading of Vonage's list that began at 2026-12-01T12:00:01.500Z.",
			"At 2026-12-01T12:00:03.000Z it was taken for a newcomer, because Vonage showed it after it had been taken for gone.",
			"It left at 2026-12-01T12:00:03.900Z, by Vonage's word (clientDisconnected).",
		}},
		"heard of late, and without a right": {about(`{}`, came("X", "xen", journal.DidNothing, journal.NoTicket)), "1", []string{
			"Its coming was heard of at 2026-12-01T12:00:01.000Z, when it had left; it had had no right to be in: its token was not one of Usher's, and such are refused.",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			want := append([]string{strings.ReplaceAll(x, "%s", c.from)}, c.want...)
			if diff := cmp.Diff(want, journal.Explain(c.lines, "X")); diff != "" {
				t.Errorf("want -, got +\n%s", diff)
			}
		})
	}
}

func TestExplainOfNobody(t *testing.T) {
	if said := journal.Explain(about(`{}`, came("A", "ann", journal.DidSeat, "")), "X"); len(said) != 0 {
		t.Errorf("it says %q", said)
	}
	said := journal.Explain(about(`{}`, journal.Line{Connection: "X", Action: journal.DidLeave, EventAt: noon}), "X")
	if len(said) != 2 || said[0] != "The connection X was a user that is not known. No callback told of its coming." {
		t.Errorf("it says %q", said)
	}
}

// Whatever a log holds, nothing in a sentence steers the terminal.
func TestExplainEscapes(t *testing.T) {
	mean := "x\x1b[2J\nX was let in.\u202e"
	for _, action := range []journal.Action{journal.DidRefuse, journal.DidDisconnect, journal.DidAskAway, journal.DidLeave} {
		for _, why := range []journal.Reason{journal.RoomFull, journal.Removed, journal.Admin, journal.Reason(mean)} {
			line := journal.Line{
				Event: mean, Connection: mean, Stream: mean, User: mean, Role: mean, Actor: mean, Action: action, Reason: why, Note: journal.Note(mean),
				Because: journal.Proof{Holders: []string{mean, journal.Promised(mean)}}.Said(),
			}
			for _, s := range journal.Explain(about(`{}`, line), mean) {
				if strings.ContainsAny(s, "\x1b\n\u202e") {
					t.Errorf("%q", s)
				}
			}
		}
	}
}
