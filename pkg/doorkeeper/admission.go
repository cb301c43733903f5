package doorkeeper

import (
	"usher/pkg/epoch"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

// Admission is the answer to somebody who may come in: the credentials, and the
// facts about the lesson that a page shows. A moment that is not known is 0.
type Admission struct {
	room.Credentials
	Role                        string // as the promise says; "" is none
	StartedAt, EndsAt, ClosesAt epoch.Instant
	Now                         epoch.Instant // by Usher's clock, when this was said
}

// admission lets the owner of the promise into the lesson.
func (s *Service) admission(l lesson.Lesson, p lesson.Promise) (Admission, error) {
	now := s.set.Now()
	c, err := s.platform.Credentials(room.Pass{Session: l.Session, Data: lesson.DataOf(p.ID), Right: room.Publisher, Now: now, Expires: p.Expires})
	if err != nil {
		return Admission{}, err
	}
	return Admission{Credentials: c, Role: p.Role, StartedAt: l.StartedAt, EndsAt: l.Deadline(), Now: now}, nil
}
