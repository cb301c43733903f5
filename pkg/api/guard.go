package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"

	"usher/pkg/epoch"
	"usher/pkg/lesson"
	"usher/pkg/problem"
)

// note is what a handler leaves for the log line of its request.
type note struct {
	err   error
	event *lesson.Event // of a callback that could be read
}

type noteKey struct{}

func noteOf(r *http.Request) *note {
	n, _ := r.Context().Value(noteKey{}).(*note)
	return n
}

// guard is around every request: the headers of every answer, one log line
// (never with query, headers or body), and an answer also after a panic.
func (s *server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began, left := s.Now(), &note{}
		rec := &recorder{ResponseWriter: w}
		r = r.WithContext(context.WithValue(r.Context(), noteKey{}, left))
		defer s.record(rec, r, began, left)
		defer rescue(rec, r)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		next.ServeHTTP(rec, r)
	})
}

// rescue turns a panic into a 500, where nothing has been answered yet.
func rescue(rec *recorder, r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	err := fmt.Errorf("panic: %v\n%s", v, debug.Stack())
	if rec.status != 0 {
		noteOf(r).err = err
		return
	}
	fail(rec, r, err)
}

// How much the log shows, in bytes. An id is found there by what is equal to it, so the
// longest that anything is decided about is whole.
const (
	longestPath = 400 // a room and an id
	longestID   = 255
)

func (s *server) record(rec *recorder, r *http.Request, began epoch.Instant, left *note) {
	attrs := []slog.Attr{
		slog.String("method", clip(r.Method)), slog.String("path", clipTo(r.URL.Path, longestPath)),
		slog.Int("status", rec.status), slog.Int64("ms", s.Now().Sub(began).Milliseconds()),
	}
	var p *problem.Details
	if errors.As(left.err, &p) {
		attrs = append(attrs, slog.String("code", string(p.Code)))
	}
	if left.event != nil {
		attrs = append(attrs, s.about(*left.event)...)
	}
	if s.measure != nil {
		s.measure(rec.status, left)
	}
	if text := cause(left.err); text != "" {
		attrs = append(attrs, slog.String("error", text))
	}
	s.log.LogAttrs(r.Context(), s.level(rec.status), "request", attrs...)
}

// about says of what event the request told, and how old that is now: ids, and no one's
// name.
func (s *server) about(e lesson.Event) []slog.Attr {
	attrs := []slog.Attr{slog.String("session", clipTo(e.Session, longestID)), slog.String("event", clip(e.Name))}
	if e.Connection != "" {
		attrs = append(attrs, slog.String("connection", clipTo(e.Connection, longestID)))
	}
	return append(attrs, slog.Int64("vonageMs", s.Now().Sub(e.At).Milliseconds()))
}

// level is how loudly an answer of the status is logged. A callback that is refused is
// hardly ever a stranger's: mostly it is a secret that differs.
func (s *server) level(status int) slog.Level {
	switch {
	case status >= http.StatusInternalServerError:
		return slog.LevelError
	case s.measure != nil && status == http.StatusUnauthorized:
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// cause is the text for the log of an error from inside: the words of a refusal
// were answered already, its cause was not.
func cause(err error) string {
	var p *problem.Details
	switch {
	case errors.As(err, &p) && p.Cause != nil:
		return p.Cause.Error()
	case p != nil || err == nil:
		return ""
	}
	return err.Error()
}

// recorder remembers the status that was answered.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the writer beneath.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
