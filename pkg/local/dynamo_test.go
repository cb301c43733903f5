//go:build verify

package local

import (
	"path/filepath"
	"testing"

	"usher/pkg/dynamo/dynamotest"
)

// TestOverDynamoDB: the same program on the other store, which makes its table
// itself and is found again by a second start, with the secret that was made.
func TestOverDynamoDB(t *testing.T) {
	s := settings(t, filepath.Join(t.TempDir(), "usher.db"), "AWS_ENDPOINT_URL_DYNAMODB", dynamotest.Start(t).URL)
	s.APISecret = nil
	first := start(t, s)
	if status, answer := first.admin("PUT", "/v1/rooms/kept", `{"maxSeats":3}`); status != 201 {
		t.Fatalf("put: %d %v", status, answer)
	}
	made := string(first.settings.APISecret)
	first.stop()

	second := start(t, s)
	if string(second.settings.APISecret) != made {
		t.Error("a restart made another secret")
	}
	if policy := second.field("kept", "policy").(map[string]any); policy["maxSeats"] != 3.0 {
		t.Errorf("after a restart the policy is %v", policy)
	}
	second.connect("kept", "alice")
	second.until("alice is seated", func() bool { return second.field("kept", "seats") == 1.0 })
}
