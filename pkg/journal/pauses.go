package journal

import (
	"fmt"
	"time"
)

// Notes with a figure.
const (
	pausedNote    = "paused-ms:%d"
	extensionNote = "by-seconds:%d"
	warningNote   = "seconds-before:%d"
)

// PausedFor is the note of a pause or a resumption: for how long the clock has stood
// still in all up to there, to the millisecond.
func PausedFor(total time.Duration) Note {
	return Note(fmt.Sprintf(pausedNote, total.Milliseconds()))
}

// Paused reads it; 0 from any other note.
func (n Note) Paused() time.Duration {
	var ms int64
	if _, err := fmt.Sscanf(string(n), pausedNote, &ms); err != nil {
		return 0
	}
	return time.Duration(ms) * time.Millisecond
}

// BySeconds is the note of an extension by so many seconds: the deadline moves with the
// start and with pauses.
func BySeconds(seconds int) Note { return Note(fmt.Sprintf(extensionNote, seconds)) }

// Extension reads it; false from any other note.
func (n Note) Extension() (by time.Duration, ok bool) {
	var seconds int64
	if _, err := fmt.Sscanf(string(n), extensionNote, &seconds); err != nil {
		return 0, false
	}
	return time.Duration(seconds) * time.Second, true
}

// Before is the note of a warning so long before the end.
func Before(left time.Duration) Note { return Note(fmt.Sprintf(warningNote, left/time.Second)) }

// Warning reads it; false from any other note.
func (n Note) Warning() (left time.Duration, ok bool) {
	var seconds int64
	if _, err := fmt.Sscanf(string(n), warningNote, &seconds); err != nil {
		return 0, false
	}
	return time.Duration(seconds) * time.Second, true
}
