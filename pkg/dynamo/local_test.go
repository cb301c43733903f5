//go:build verify

package dynamo_test

import (
	"testing"

	"usher/pkg/dynamo"
	"usher/pkg/dynamo/dynamotest"
	"usher/pkg/room"
	"usher/pkg/room/roomtest"
)

// TestLocal holds the store to its contract on DynamoDB Local.
func TestLocal(t *testing.T) {
	local := dynamotest.Start(t)
	open := func(t *testing.T) room.Store { return openStore(t, local) }
	t.Run("store", func(t *testing.T) { roomtest.TestStore(t, open) })
	t.Run("add means", func(t *testing.T) { roomtest.TestAddMeans(t, open) })
}

func openStore(t *testing.T, local *dynamotest.Local, opts ...dynamo.Option) *dynamo.Store {
	t.Helper()
	client := local.Client()
	if err := dynamo.CreateTable(t.Context(), client, "usher"); err != nil {
		t.Fatal(err)
	}
	return dynamo.New(client, "usher", opts...)
}
