package journal

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Narrate tells a lesson's story from its log: each event with its decision and the
// reason, and the state that the lines add up to. Each line of the log is one line
// of the story, in Plain text.
func Narrate(w io.Writer, lines []Line) error {
	f := newFolder()
	for _, line := range lines {
		f.line(line)
		text := fmt.Sprintf("%4d  %s  %-52s %s: %s", line.Seq, line.At, f.words(), line.Event, line.words())
		if _, err := fmt.Fprintln(w, Plain(text)); err != nil {
			return err
		}
	}
	end := fmt.Sprintf("In the end: %s. Seated: %s. Waiting: %s.", f.ending(), names(f.Seated), names(f.Waiting))
	_, err := fmt.Fprintf(w, "\n%s\n", Plain(end))
	return err
}

// Tell is one line of a log in Plain text: its number, when it was decided, the event and
// the decision.
func Tell(l Line) string {
	return Plain(fmt.Sprintf("%4d  %s  %s: %s", l.Seq, l.At, l.Event, l.words()))
}

// words gives the line's decision, and the connection and user it is about.
func (l Line) words() string {
	var b strings.Builder
	b.WriteString(string(l.Action))
	if l.Reason != "" {
		fmt.Fprintf(&b, " (%s)", l.Reason)
	}
	if l.Connection != "" {
		fmt.Fprintf(&b, " %s", l.Connection)
	}
	if l.User != "" {
		fmt.Fprintf(&b, " = %s", l.User)
	}
	if l.EventAt != 0 {
		fmt.Fprintf(&b, " @ %s", l.EventAt.Std().Format("15:04:05.000"))
	}
	if l.Actor != "" {
		fmt.Fprintf(&b, " by %s", l.Actor)
	}
	if l.Note != "" {
		fmt.Fprintf(&b, " [%s]", l.Note)
	}
	return b.String()
}

// words says where the lesson stands.
func (s Story) words() string {
	words := fmt.Sprintf("%s, %d seated", s.Status, len(s.Seated))
	if len(s.Waiting) > 0 {
		words += fmt.Sprintf(", %d waiting", len(s.Waiting))
	}
	if s.Deadline != 0 && s.Status == Running {
		words += ", until " + s.Deadline.Std().Format("15:04:05.000")
	}
	return words
}

func (s Story) ending() string {
	if s.Status == Ended {
		return fmt.Sprintf("%s, %s", s.Status, s.Outcome)
	}
	return string(s.Status)
}

func names(set map[string]bool) string {
	if len(set) == 0 {
		return "nobody"
	}
	return strings.Join(slices.Sorted(maps.Keys(set)), ", ")
}
