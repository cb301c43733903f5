//go:build verify

package dynamo

import (
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"usher/pkg/doorkeeper/costs"
	"usher/pkg/dynamo/dynamotest"
)

// TestEventCosts counts what events take in requests to DynamoDB and in units.
// A write whose condition failed is a request, but DynamoDB does not say what
// it charged.
func TestEventCosts(t *testing.T) {
	local := dynamotest.Start(t)
	open := func(t testing.TB) *costs.Counted { return counted(newTable(t, local)) }
	costs.TestCosts(t, open)
	t.Run("told", func(t *testing.T) { costs.TestTold(t, open) })
	t.Run("halls", func(t *testing.T) { costs.TestFlat(t, open(t), 0, 64, 1000, 15000) })
	t.Run("leaving", func(t *testing.T) { costs.TestLeavingAtOnce(t, open(t)) })
	t.Run("bans", func(t *testing.T) { costs.TestBans(t, open, 1000) })
	t.Run("storm", func(t *testing.T) { costs.TestStorm(t, open) })
}

// counted is a store that counts the requests which reach DynamoDB, those that
// fail included. What is due is not counted, see costs.Used.
func counted(client API) *costs.Counted {
	var requests atomic.Int64
	api := hooked{client, func(in any, send func() error) error {
		if q, ok := in.(*dynamodb.QueryInput); !ok || q.IndexName == nil {
			requests.Add(1)
		}
		return send()
	}}
	var c *costs.Counted
	c = costs.Count(on(api, OnCapacity(func(op string, read, write float64) {
		if op != "Due" {
			c.Charge(read, write)
		}
	})))
	c.Bare = on(client)
	c.Sent = func() int { return int(requests.Swap(0)) }
	return c
}
