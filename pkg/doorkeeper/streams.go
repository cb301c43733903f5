package doorkeeper

import (
	"context"

	"usher/pkg/lesson"
)

// readStreams reads the platform's list of streams, for the grace of some is over, and
// carries out what follows. A reading that fails decides nothing but is noted.
func (s *Service) readStreams(ctx context.Context, session string) error {
	var read lesson.StreamsRead
	request, cancel := context.WithTimeout(ctx, platformPatience)
	defer cancel()
	r, err := s.platform.Streams(request, session)
	if err == nil {
		read.Reading = &r
	} else {
		s.set.Log.WarnContext(ctx, "the list of streams could not be read", "session", session, "error", err)
	}
	_, err = s.decideAnswer(ctx, session, ask(read))
	return err
}
