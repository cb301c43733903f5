//go:build verify

package dynamo

import (
	"testing"

	"pgregory.net/rapid"

	"usher/pkg/room"
	"usher/pkg/room/roomtest"
)

// histories tells random histories over DynamoDB, as over the embedded store.
func histories(t *testing.T, store room.Store) {
	rapid.Check(t, func(t *rapid.T) { roomtest.Tell(t, store) })
}
