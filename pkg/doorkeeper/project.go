package doorkeeper

import (
	"context"
	"strconv"
	"strings"

	"usher/pkg/lesson"
)

// longestSession is the length of the longest session id, in bytes; a store
// need not take a longer one.
const longestSession = 255

// mayBeOurs reports whether the event can be of a session of ours: it names no
// project, or ours under one of its two names.
func (s *Service) mayBeOurs(ctx context.Context, e lesson.Event) bool {
	switch {
	case len(e.Session) > longestSession:
		return false
	case e.Project == "" && e.Application == "", sameProject(e.Project, s.set.Project), sameProject(e.Application, s.set.Project):
		return true
	}
	s.otherProject.Do(func() {
		s.set.Log.WarnContext(ctx, "an event of another project came to this callback; "+
			"where people come into rooms and nothing happens, the callback is set at the wrong project",
			"projectId", e.Project, "applicationId", e.Application, "ours", s.set.Project)
	})
	return false
}

// sameProject compares UUIDs without regard to case, and API keys as numbers,
// for a program in between may have written them as JSON numbers (4.7000001E7).
func sameProject(theirs, ours string) bool {
	if strings.EqualFold(theirs, ours) {
		return true
	}
	a, errA := strconv.ParseFloat(theirs, 64)
	b, errB := strconv.ParseFloat(ours, 64)
	return errA == nil && errB == nil && a == b
}
