package bolt

import (
	"encoding/json"
	"errors"
	"fmt"

	"usher/pkg/lesson"
	"usher/pkg/room"
)

// storedLesson and storedRoom are what the file has of them.
type storedLesson struct {
	Schema int `json:"schema,omitempty"`
	lesson.Lesson
}

type storedRoom struct {
	Schema int `json:"schema,omitempty"`
	room.Room
}

func stampLesson(l lesson.Lesson) storedLesson { return storedLesson{room.SchemaWritten, l} }

func stampRoom(r room.Room) storedRoom { return storedRoom{room.SchemaWritten, r} }

// decodeRoom decodes a room; one that a newer release wrote too, with its error.
func decodeRoom(value []byte, r *room.Room) error {
	var stored storedRoom
	if err := json.Unmarshal(value, &stored); err != nil {
		return fmt.Errorf("a room cannot be read: %w", err)
	}
	*r = stored.Room
	if err := room.CheckSchema(stored.Schema); err != nil {
		return fmt.Errorf("room %q cannot be read: %w", r.Name, err)
	}
	return nil
}

// newer reports whether err is that a newer release wrote something: it may be shown.
func newer(err error) bool { return errors.Is(err, room.ErrUnavailable) }
