package dynamo

import (
	"context"
	"errors"

	"usher/pkg/lesson"
)

// Ban implements room.Store.
func (s *Store) Ban(context.Context, string, string) (lesson.Ban, bool, error) {
	return lesson.Ban{}, false, errors.ErrUnsupported
}

// Bans implements room.Store.
func (s *Store) Bans(context.Context, string, string, int) ([]lesson.Ban, error) {
	return nil, errors.ErrUnsupported
}
