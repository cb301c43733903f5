package doorkeeper

import (
	"encoding/json"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/lesson"
	"usher/pkg/policy"
	"usher/pkg/room"
)

// Admission is the answer to somebody who may come in: the credentials, and the
// facts about the lesson that a page shows. A moment that is not known is 0.
type Admission struct {
	room.Credentials
	Role                        string // as the promise says; "" is none
	StartedAt, EndsAt, ClosesAt epoch.Instant
	Left                        time.Duration // of the lesson, also while its clock stands still
	Limited                     bool          // there is an end, and Left says something
	Now                         epoch.Instant // by Usher's clock, when this was said
}

// admission lets the owner of the promise into the lesson, with the data of its
// ticket.
func (s *Service) admission(l lesson.Lesson, p lesson.Promise, data json.RawMessage) (Admission, error) {
	now := s.set.Now()
	c, err := s.platform.Credentials(room.Pass{
		Session: l.Session, Data: lesson.DataOf(p.ID, data), Right: rightOf(l.Policy, p.Role), Now: now, Expires: p.Expires,
	})
	if err != nil {
		return Admission{}, err
	}
	left, limited := l.Left(now)
	return Admission{
		Credentials: c, Role: p.Role, StartedAt: l.StartedAt, EndsAt: l.ShownEnd(), ClosesAt: l.Policy.ClosesAt(),
		Left: left, Limited: limited, Now: now,
	}, nil
}

// rightOf is what the platform lets clients of the role do. A subscriber's is the one
// hard barrier that the platform has: whatever kind a client declares, it publishes
// nothing.
func rightOf(p policy.Policy, role string) room.Right {
	switch {
	case p.Moderates(role):
		return room.Moderator
	case p.PublishesNothing(role):
		return room.Subscriber
	}
	return room.Publisher
}
