package vonage

import (
	"context"
	"errors"

	"usher/pkg/lesson"
)

// Streams implements room.Platform.
func (c *Client) Streams(context.Context, string) (lesson.StreamReading, error) {
	return lesson.StreamReading{}, errors.ErrUnsupported
}
