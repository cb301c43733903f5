package simulation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"usher/pkg/journal"
	"usher/pkg/lesson"
)

// Agree holds that room, platform and log of a session say the same, and that
// nothing is left undone.
func (w *World) Agree(session string) error {
	l, lines, err := w.Log(session)
	if err != nil {
		return err
	}
	return errors.Join(w.consistent(l, lines), w.settled(l, w.Platform.In(session)))
}

// consistent holds that the log has every line and adds up to the state.
func (w *World) consistent(l lesson.Lesson, lines []journal.Line) (wrong error) {
	for i, line := range lines {
		if line.Seq != int64(i)+1 {
			wrong = errors.Join(wrong, fmt.Errorf("line %d of the log has the number %d", i+1, line.Seq))
		}
	}
	if want := l.Base + int64(len(l.Tail)); int64(len(lines)) != want {
		wrong = errors.Join(wrong, fmt.Errorf("the log has %d lines, want %d", len(lines), want))
	}
	log := journal.Fold(lines)
	for _, line := range lines {
		if _, here := l.Conns[line.Connection]; !here {
			delete(log.Streams, line.Stream) // it left the item with its connection
		}
	}
	state, err := w.state(l)
	if err == nil && !reflect.DeepEqual(log, state) {
		err = fmt.Errorf("the log adds up to %+v, the state is %+v", log, state)
	}
	return errors.Join(wrong, err)
}

// settled holds that the room knows of those who are in, and has nothing to do.
func (w *World) settled(l lesson.Lesson, in []string) error {
	state, wrong := w.state(l)
	known := maps.Clone(state.Seated)
	maps.Copy(known, state.Waiting)
	if !slices.Equal(in, keys(known)) {
		wrong = errors.Join(wrong, fmt.Errorf("in %s are in truth %v, the room knows of %v (%s)", l.Session, in, keys(known), l.Status))
	}
	for id, c := range l.Conns {
		if c.Unlogged || c.RetryAt != 0 {
			wrong = errors.Join(wrong, fmt.Errorf("something about %s is left undone: %+v", id, c))
		}
	}
	return wrong
}

// state is what the log should tell of a lesson, the people included who are in
// but stand only in records.
func (w *World) state(l lesson.Lesson) (journal.Story, error) {
	state := l.Logged()
	if l.PresentOutside == 0 {
		return state, nil
	}
	records, err := w.Store.Records(context.Background(), l.Session, "", 1000)
	n := int64(0)
	for _, r := range records {
		if _, here := l.Conns[r.ID]; !here && r.Conn != nil && r.Conn.LeftAt == 0 && r.Conn.State == lesson.Seated {
			state.Seated[r.ID] = true
			n++
		}
	}
	if n != l.PresentOutside {
		err = errors.Join(err, fmt.Errorf("%d are in by the records, %d by the count", n, l.PresentOutside))
	}
	return state, err
}

func keys(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }

// story is what the logs of the sessions say, in words.
func (w *World) story(sessions []string) string {
	var b strings.Builder
	for _, session := range sessions {
		l, lines, err := w.Log(session)
		fmt.Fprintf(&b, "log of %s, revision %d, %v\n", session, l.Revision, err)
		for _, line := range lines {
			fmt.Fprintf(&b, "%s  %3d %s %s %s %s: %s %s %s\n", clocked(line.At), line.Seq, line.Event, line.Connection, line.Stream, line.User, line.Action, line.Reason, line.Note)
		}
	}
	for _, r := range w.Platform.Requests {
		fmt.Fprintf(&b, "%s  request for %s: %v\n", clocked(r.At), r.Connection, r.Err)
	}
	return b.String()
}
