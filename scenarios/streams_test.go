package scenarios_test

import (
	"errors"
	"fmt"

	"usher/pkg/policy"
)

var streamCommands = map[string]command{
	"show": (*story).show,
	"hide": (*story).hide,
}

// show ID STREAM [KIND]: the connection begins to publish a stream, of the camera
// unless another kind is named.
func (s *story) show(c *call) error {
	if len(c.args) < 2 || len(c.args) > 3 {
		return errors.New("usage: show ID STREAM [KIND]")
	}
	kind := policy.Camera
	if len(c.args) == 3 {
		kind = policy.Kind(c.args[2])
	}
	if s.Platform.Person(c.args[0]) == nil {
		return fmt.Errorf("nobody with the id %s ever came", c.args[0])
	}
	s.Platform.Publish(c.args[0], c.args[1], kind)
	s.Pass(0)
	return nil
}

// hide ID STREAM: the stream ends. hide ID STREAM silently: no webhook says so.
func (s *story) hide(c *call) error {
	silently := len(c.args) == 3 && c.args[2] == "silently"
	if len(c.args) != 2 && !silently {
		return errors.New("usage: hide ID STREAM [silently]")
	}
	if s.Platform.Person(c.args[0]) == nil {
		return fmt.Errorf("nobody with the id %s ever came", c.args[0])
	}
	s.Platform.Stop(c.args[0], c.args[1], silently)
	s.Pass(0)
	return nil
}
