//go:build verify

package dynamo

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"usher/pkg/doorkeeper/simulation"
	"usher/pkg/dynamo/dynamotest"
	"usher/pkg/room"
	"usher/pkg/room/storetest"
)

// TestLocal holds the store to its contract, and to its costs, on DynamoDB
// Local.
func TestLocal(t *testing.T) {
	local := dynamotest.Start(t)
	open := func(t *testing.T) room.Store { return on(newTable(t, local)) }
	t.Run("store", func(t *testing.T) { storetest.TestStore(t, open) })
	t.Run("marks", func(t *testing.T) {
		storetest.TestMarks(t, func(t *testing.T) room.Marks { return on(newTable(t, local)) })
	})
	t.Run("histories", func(t *testing.T) { histories(t, open(t)) })
	t.Run("a full lesson", func(t *testing.T) { simulation.TestFullLesson(t, open) })
	t.Run("the longest lists", func(t *testing.T) { simulation.TestLongLists(t, open(t)) })
	t.Run("races of the clock", func(t *testing.T) { simulation.TestClockRaces(t, open) })
	t.Run("add means", func(t *testing.T) { storetest.TestAddMeans(t, open) })
	for name, test := range map[string]func(*testing.T, *dynamodb.Client){
		"the gate follows": gateFollows, "cut writes": cutWrites, "unknown attributes stay": unknownStay, "what a newer release wrote stays": newerStays,
		"costs": requestCosts, "ten thousand bans": manyBans, "the table is made once": madeOnce, "an item that was not counted": uncounted,
	} {
		t.Run(name, func(t *testing.T) { test(t, newTable(t, local)) })
	}
}

const tableName = "usher"

// newTable gives a client of a database with an empty table.
func newTable(t testing.TB, local *dynamotest.Local) *dynamodb.Client {
	t.Helper()
	client := local.Client()
	if err := CreateTable(t.Context(), client, tableName); err != nil {
		t.Fatal(err)
	}
	return client
}

// on is a store that waits for a machine that has much to do.
func on(api API, opts ...Option) *Store {
	return New(api, tableName, append(opts, Patience(time.Minute))...)
}

func madeOnce(t *testing.T, client *dynamodb.Client) {
	if err := CreateTable(t.Context(), client, tableName); err != nil {
		t.Error(err)
	}
	ttl, err := client.DescribeTimeToLive(t.Context(), &dynamodb.DescribeTimeToLiveInput{TableName: ptr(tableName)})
	if err != nil || *ttl.TimeToLiveDescription.AttributeName != "expires" {
		t.Errorf("what expires: %+v, %v", ttl, err)
	}
}

func ptr[T any](v T) *T { return &v }
