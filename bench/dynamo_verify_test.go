//go:build verify

package bench_test

import (
	"fmt"
	"testing"
	"time"

	"usher/pkg/dynamo"
	"usher/pkg/dynamo/dynamotest"
)

// BenchmarkWebhooksDynamo is BenchmarkWebhooksBolt against DynamoDB Local,
// which takes a good part of the machine itself.
func BenchmarkWebhooksDynamo(b *testing.B) {
	local := dynamotest.Start(b)
	for _, rooms := range []int{10, 1000, 10_000} {
		b.Run(fmt.Sprintf("rooms=%d", rooms), func(b *testing.B) {
			client := local.Client()
			if err := dynamo.CreateTable(b.Context(), client, "usher"); err != nil {
				b.Fatal(err)
			}
			webhooks(b, dynamo.New(client, "usher", dynamo.Patience(time.Minute)), rooms)
		})
	}
}
