//go:build verify

package dynamo

import (
	"testing"

	"usher/pkg/doorkeeper/simulation"
	"usher/pkg/dynamo/dynamotest"
)

// TestCrashes fails every write of every path of the service over DynamoDB
// Local.
func TestCrashes(t *testing.T) {
	simulation.TestCrashes(t, on(newTable(t, dynamotest.Start(t))))
}
