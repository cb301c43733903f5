// Package bench_test measures: one decision, webhooks through HTTP into each
// store, many rooms, many people, and many at once.
package bench_test

import (
	"fmt"
	"testing"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
)

const noon epoch.Instant = 1_790_000_000_000

// lessonOf is a lesson of a session made elsewhere with n people in, and when
// the last of them came.
func lessonOf(b *testing.B, seats, n int) (lesson.Lesson, epoch.Instant) {
	b.Helper()
	first := lesson.Begin{Room: "maths", Session: "1_session", Policy: parse(b, fmt.Sprintf(`{"maxSeats":%d,"lessonSeconds":3600}`, seats))}
	l := lesson.New(first, journal.FromAPI, "", noon)
	now := noon
	for i := range n {
		now = now.Add(time.Second)
		l = decide(b, l, comes(i, now), now)
		if out, ok := l.ToShed(); ok {
			l = out.Apply(l)
		}
	}
	return l, now
}

func parse(b *testing.B, raw string) policy.Policy {
	b.Helper()
	p, err := policy.Parse([]byte(raw))
	if err != nil {
		b.Fatal(err)
	}
	return p
}

func id(n int) string { return fmt.Sprintf("c1b2d3e4-0000-4000-8000-%012d", n) }

func comes(n int, at epoch.Instant) lesson.Webhook {
	return lesson.Webhook{Event: lesson.Event{
		Name: journal.ConnectionCreated, Session: "1_session", At: at, Received: at,
		Connection: id(n), ConnectedAt: at, Data: fmt.Sprintf("student-%02d", n),
	}}
}

func goes(n int, at epoch.Instant) lesson.Webhook {
	e := comes(n, at)
	e.Event.Name = journal.ConnectionDestroyed
	return e
}

func decide(b *testing.B, l lesson.Lesson, in lesson.Input, now epoch.Instant) lesson.Lesson {
	b.Helper()
	d := lesson.Decide(l, in, now)
	if d.Verdict != nil || d.Write == lesson.Nothing {
		b.Fatalf("nothing was decided: %v", d.Verdict)
	}
	return d.Lesson
}

// BenchmarkDecide is one decision in a room for two and in one for 64: the last
// one's arrival, the first one's departure, and a refusal by the list.
func BenchmarkDecide(b *testing.B) {
	for _, seats := range []int{2, policy.MaxSeats} {
		almost, now := lessonOf(b, seats, seats-1)
		full, _ := lessonOf(b, seats, seats)
		now = now.Add(2 * time.Second)
		waits := decide(b, full, comes(seats, now), now)
		all := lesson.Reading{Began: now, Whole: true}
		for i := range seats + 1 {
			all.Present = append(all.Present, lesson.Presence{ID: id(i), Since: now})
		}
		for _, c := range []struct {
			name string
			in   lesson.Input
			l    lesson.Lesson
		}{
			{"arrival", comes(seats, now), almost},
			{"departure", goes(0, now), full},
			{"refusal", lesson.Reconcile{Reading: &all}, waits},
		} {
			b.Run(fmt.Sprintf("%s/seats=%d", c.name, seats), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if d := lesson.Decide(c.l, c.in, now); d.Verdict != nil {
						b.Fatal(d.Verdict)
					}
				}
			})
		}
	}
}
