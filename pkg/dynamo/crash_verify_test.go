//go:build verify

package dynamo

import (
	"testing"

	"usher/pkg/dynamo/dynamotest"
	"usher/pkg/room/roomtest"
)

// TestCrashes fails every write of every path of the service over DynamoDB
// Local.
func TestCrashes(t *testing.T) {
	roomtest.TestCrashes(t, on(newTable(t, dynamotest.Start(t))))
}
