package doorkeeper

import (
	"context"
	"errors"
	"log/slog"

	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/metric"
	"usher/pkg/room"
)

// newLines are the log lines that a decision writes, before it is committed.
func newLines(d lesson.Decision) []journal.Line {
	return d.Lesson.Tail[len(d.Lesson.Tail)-d.Lines:]
}

// committed says what was decided, once it is durable: to the program's log a line for
// each of the lesson's, without its user, and to the metrics.
func (s *Service) committed(ctx context.Context, l lesson.Lesson, lines []journal.Line, e lesson.Effects) {
	for _, line := range lines {
		s.logDecision(ctx, l, line)
		switch {
		case line.Action == journal.DidRefuse:
			s.set.Metrics.Record(metric.Refusals, string(line.Reason), 1)
		case line.Action == journal.DidRepair:
			s.set.Metrics.Record(metric.Repairs, "", 1)
		case line.Action == journal.DidEnd && line.EventAt != 0:
			s.set.Metrics.Record(metric.EndLate, "", s.set.Now().Sub(line.EventAt).Milliseconds())
		}
	}
	s.countUnheard(ctx, l, e.Unheard)
}

// logDecision leaves out who it is about: people's ids stand in the lesson's own log.
func (s *Service) logDecision(ctx context.Context, l lesson.Lesson, line journal.Line) {
	if !s.set.Log.Enabled(ctx, slog.LevelInfo) {
		return
	}
	attrs := []slog.Attr{
		slog.String("session", l.Session), slog.String("room", l.Room), slog.String("event", line.Event),
		slog.String("action", string(line.Action)),
	}
	if line.Connection != "" {
		attrs = append(attrs, slog.String("connection", line.Connection))
	}
	if line.Reason != "" {
		attrs = append(attrs, slog.String("reason", string(line.Reason)))
	}
	if line.EventAt != 0 && line.Connection != "" {
		attrs = append(attrs, slog.Int64("vonageMs", s.set.Now().Sub(line.EventAt).Milliseconds()))
	}
	s.set.Log.LogAttrs(ctx, slog.LevelInfo, "decided", attrs...)
}

// countUnheard counts people of whom no callback has told. A process that hears all
// callbacks, and has heard of none, calls an operator.
func (s *Service) countUnheard(ctx context.Context, l lesson.Lesson, people int) {
	if people == 0 {
		return
	}
	s.set.Metrics.Record(metric.Unheard, "", int64(people))
	if s.set.HearsAll && s.heard.Load() == 0 {
		s.set.Log.ErrorContext(ctx, "people are in a session and not one callback has come: it is not set at Vonage, does not lead here, or has another signature secret",
			"alarm", "no-callback", "session", l.Session)
	}
}

// logDisconnected says that the platform took a request to disconnect, as far as this
// process remembers the connection.
func (s *Service) logDisconnected(ctx context.Context, session, id string) {
	l, _ := s.lessons.Get(session)
	c, now := l.Conns[id], s.set.Now()
	attrs := []slog.Attr{slog.String("session", session), slog.String("room", l.Room), slog.String("connection", id), slog.String("reason", string(c.Reason))}
	if c.DisconnectRequestedAt != 0 {
		attrs = append(attrs, slog.Int64("decidedMs", now.Sub(c.DisconnectRequestedAt).Milliseconds()))
	}
	if c.State == lesson.Refused && c.Created {
		wait := now.Sub(c.CreatedAt).Milliseconds()
		attrs = append(attrs, slog.Int64("vonageMs", wait))
		if c.Tries == 0 && !c.HeardLate {
			s.set.Metrics.Record(metric.Disconnected, "", wait)
		}
	}
	s.set.Log.LogAttrs(ctx, slog.LevelInfo, "disconnected", attrs...)
}

// listed reads the platform's list, within the time of a request.
func (s *Service) listed(ctx context.Context, session string) (lesson.Reading, error) {
	ctx, cancel := context.WithTimeout(ctx, platformPatience)
	defer cancel()
	r, err := s.platform.Connections(ctx, session)
	s.set.Metrics.Record(metric.Readings, resultOf(err), 1)
	return r, err
}

func resultOf(err error) string {
	var answer *room.PlatformError
	switch {
	case err == nil:
		return metric.Read
	case errors.As(err, &answer) && answer.Refused():
		return metric.Refused
	}
	return metric.Failed
}
