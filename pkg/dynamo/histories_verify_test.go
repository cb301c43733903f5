//go:build verify

package dynamo

import (
	flags "flag"
	"testing"

	"pgregory.net/rapid"

	"usher/pkg/doorkeeper/simulation"
	"usher/pkg/room"
)

// histories tells random histories over DynamoDB, as over the embedded store.
func histories(t *testing.T, store room.Store) {
	checks := flags.Lookup("rapid.checks")
	was := checks.Value.String()
	t.Cleanup(func() { _ = flags.Set(checks.Name, was) }) // the value was valid
	if err := flags.Set(checks.Name, "25"); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) { simulation.Tell(t, store) })
}
