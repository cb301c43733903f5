//go:build verify

package dynamo

import (
	"context"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"usher/pkg/doorkeeper/costs"
	"usher/pkg/dynamo/dynamotest"
	"usher/pkg/room"
)

// TestEventCosts counts what events take in requests to DynamoDB and in units.
// A write whose condition failed is a request, but DynamoDB does not say what
// it charged.
func TestEventCosts(t *testing.T) {
	local := dynamotest.Start(t)
	open := func(t testing.TB) costs.Metered { return newMetered(t, local) }
	rows := costs.TestCosts(t, open)
	t.Log("\n" + costs.Table(rows))
	t.Run("halls", func(t *testing.T) { costs.TestFlat(t, open(t), 0, 64, 1000, 15000) })
	t.Run("storm", func(t *testing.T) { costs.TestStorm(t, open(t)) })
}

// metered is a store that counts the requests which reach DynamoDB.
type metered struct {
	*costs.Counted
	api *countedAPI

	mu   sync.Mutex
	used costs.Used // units only
}

func newMetered(t testing.TB, local *dynamotest.Local) *metered {
	m := &metered{api: &countedAPI{API: newTable(t, local)}}
	m.Counted = costs.Count(on(m.api, OnCapacity(m.charge)))
	return m
}

func (m *metered) charge(op string, read, write float64) {
	if op == "Due" {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.used.Read += read
	m.used.Write += write
}

// Bare implements roomtest.Metered.
func (m *metered) Bare() room.Store { return on(m.api.API) }

// Take implements roomtest.Metered.
func (m *metered) Take() costs.Used {
	used := m.Counted.Take()
	m.mu.Lock()
	defer m.mu.Unlock()
	used.Requests = m.api.take()
	used.Read, used.Write = m.used.Read, m.used.Write
	m.used = costs.Used{}
	return used
}

// countedAPI counts requests, those that fail included.
type countedAPI struct {
	API
	mu       sync.Mutex
	requests int
}

func (c *countedAPI) one() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests++
}

func (c *countedAPI) take() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.requests
	c.requests = 0
	return n
}

func (c *countedAPI) GetItem(ctx context.Context, in *dynamodb.GetItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	c.one()
	return c.API.GetItem(ctx, in, opts...)
}

func (c *countedAPI) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	c.one()
	return c.API.BatchGetItem(ctx, in, opts...)
}

func (c *countedAPI) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	c.one()
	return c.API.UpdateItem(ctx, in, opts...)
}

func (c *countedAPI) BatchWriteItem(ctx context.Context, in *dynamodb.BatchWriteItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error) {
	c.one()
	return c.API.BatchWriteItem(ctx, in, opts...)
}

func (c *countedAPI) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, opts ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	c.one()
	return c.API.TransactWriteItems(ctx, in, opts...)
}

func (c *countedAPI) Query(ctx context.Context, in *dynamodb.QueryInput, opts ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	if in.IndexName == nil { // what is due is not counted, see Used
		c.one()
	}
	return c.API.Query(ctx, in, opts...)
}
