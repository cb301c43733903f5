package bench_test

import (
	"fmt"
	"strings"
	"testing"

	"usher/pkg/doorkeeper/costs"
	"usher/pkg/timer"
)

// price is a list price in US dollars, of us-east-1 where it is AWS's, without free
// tiers and discounts. AWS and Vonage fill the prices of their own pages in by
// script, so none could be read there: each is from the page named, of that date.
type price struct {
	of      string
	dollars float64 // for per units
	per     float64
	page    string
	date    string
}

const million = 1e6

var (
	writeUnits    = price{"DynamoDB, write request units", 0.625, million, "airbyte.com/data-engineering-resources/dynamodb-pricing", "2025-07-21"}
	readUnits     = price{"DynamoDB, read request units", 0.125, million, "airbyte.com/data-engineering-resources/dynamodb-pricing", "2025-07-21"}
	gatewayCalls  = price{"API Gateway, calls of an HTTP API", 1, million, "awsforengineers.com/blog/aws-api-gateway-pricing-explained", "2025-05-19"}
	lambdaCalls   = price{"Lambda, calls", 0.20, million, "github.com/api-evangelist/aws-lambda, plans", "2026-09-20"}
	lambdaSeconds = price{"Lambda, GB-seconds (arm64)", 13.3334, million, "cloudchipr.com/blog/aws-lambda-pricing", "2024"}
	queueRequests = price{"SQS, requests", 0.40, million, "cloudburn.io/blog/amazon-sqs-pricing", "2026-03-14"}
	scheduleCalls = price{"EventBridge Scheduler, calls", 1, million, "cloudburn.io/blog/amazon-eventbridge-pricing", "2026-03-13"}
	// Its source says that it was not compared with Vonage's own page.
	participantMinutes = price{"Vonage Video, participant minutes", 0.0041, 1, "github.com/api-evangelist/vonage-video, plans", "2026-06-20"}
)

// item is a line of a bill.
type item struct {
	price
	number float64
}

func (i item) dollars() float64 { return i.number * i.price.dollars / i.per }

// What a function's time is made of, in seconds: a request to the store, one to
// Vonage, and what is left. These are assumed, as they are in the model of a full
// hour's end.
const (
	toStore, toVonage, aCall = 0.010, 0.100, 0.005
	memory                   = 0.5 // gigabytes, by the template
)

// bill is what a lesson of an hour costs. The wake at its deadline waits alone;
// at a full hour ten wait together.
func bill(h costs.Hour) []item {
	messages := float64(h.Wakes)
	invocations := float64(h.Calls) + messages + float64(h.Schedules)
	// A reading is two requests, for a page and for the empty one after it. A
	// session is made, and the last word said.
	vonage := float64(2*h.Readings+h.Disconnects) + 2
	waits := timer.Ahead.Seconds() + 0.5
	seconds := float64(h.Requests)*toStore + vonage*toVonage + invocations*aCall + waits
	return []item{
		{writeUnits, costs.HourWrite},
		{readUnits, costs.HourRead},
		{gatewayCalls, float64(h.Calls)},
		{lambdaCalls, invocations},
		{lambdaSeconds, seconds * memory},
		{queueRequests, 3 * messages}, // sent, received, deleted
		{scheduleCalls, float64(h.Schedules)},
	}
}

// TestBill: what a lesson of an hour costs is less than a thousandth of what Vonage
// charges for it.
func TestBill(t *testing.T) {
	h := costs.CountHour(t, costs.Count(openBolt(t)))
	var b strings.Builder
	fmt.Fprintf(&b, "\n%-34s %8s %12s %11s  %s\n", "an hour of two people", "number", "per million", "dollars", "price by, of")
	var sum float64
	line := func(i item) {
		fmt.Fprintf(&b, "%-34s %8.2f %12.3f %11.7f  %s, %s\n", i.of, i.number, i.price.dollars/i.per*million, i.dollars(), i.page, i.date)
	}
	for _, i := range bill(h) {
		line(i)
		sum += i.dollars()
	}
	vonage := item{participantMinutes, 2 * 60}
	share := sum / vonage.dollars()
	fmt.Fprintf(&b, "%-34s %8s %12s %11.7f\n", "together", "", "", sum)
	line(vonage)
	fmt.Fprintf(&b, "%-34s %20.3f%%\n", "share of what Vonage charges", share*100)
	t.Log(b.String())
	if share <= 0 || share > 0.001 {
		t.Errorf("a lesson costs %.7f dollars, and Vonage charges %.4f", sum, vonage.dollars())
	}
}
