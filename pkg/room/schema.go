package room

import "fmt"

// A stored room and a stored lesson carry the number of their schema. It rises where an
// older release would do harm by writing what it does not know: stores leave alone whole
// attributes that they do not know, or drop them, but what they mean is then no longer kept
// up. A new field that may be lost or stale needs no new number.
//
// Of a number above SchemaRead nothing is decided: the release waits for the newer one to
// come back. So a number rises in two releases, of which the first raises SchemaRead alone
// and the second SchemaWritten; then each release can be rolled back by one.
const (
	// SchemaWritten is the schema of what this release writes. What was stored before
	// schemas had numbers has none.
	SchemaWritten = 1
	// SchemaRead is the newest schema that this release understands.
	SchemaRead = 1
)

// CheckSchema gives an error, which is ErrUnavailable, where a release that understands
// schemas up to SchemaRead has to leave alone what is stored in this one.
func CheckSchema(stored int) error {
	if stored <= SchemaRead {
		return nil
	}
	return fmt.Errorf("%w: a newer release wrote it in schema %d, this one understands up to %d: deploy the newer one again", ErrUnavailable, stored, SchemaRead)
}
