//go:build verify

package dynamo

import (
	"encoding/json"
	flags "flag"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"usher/pkg/doorkeeper/simulation"
	"usher/pkg/dynamo/dynamotest"
)

var keepIn = flags.String("write", "", "the file into which TestWriteStored writes what this release stores")

// TestWriteStored keeps what this release stores, for those after it: with the flag; without
// one it only has to be possible.
func TestWriteStored(t *testing.T) {
	client := newTable(t, dynamotest.Start(t))
	simulation.WriteStored(t, on(client))
	if *keepIn == "" {
		return
	}
	all, err := client.Scan(t.Context(), &dynamodb.ScanInput{TableName: ptr(tableName)})
	if err != nil || len(all.LastEvaluatedKey) > 0 {
		t.Fatalf("more than a page: %v", err)
	}
	out, err := os.Create(*keepIn)
	if err != nil {
		t.Fatal(err)
	}
	lines := json.NewEncoder(out)
	for _, i := range all.Items {
		line := map[string]any{}
		for name, a := range i {
			line[name] = toJSON(a)
		}
		if err := lines.Encode(line); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestStoredBefore: what each earlier release stored goes on under this one and ends. To keep
// what this one stores: go test -tags verify ./pkg/dynamo -run TestWriteStored -write FILE,
// and gzip FILE into testdata/stored.
func TestStoredBefore(t *testing.T) {
	local := dynamotest.Start(t)
	for name, items := range kept(t) {
		t.Run(name, func(t *testing.T) {
			client := newTable(t, local)
			for _, i := range items {
				delete(i, "expires") // they are kept for longer than that
				if _, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: ptr(tableName), Item: i}); err != nil {
					t.Fatal(err)
				}
			}
			simulation.TestStored(t, on(client))
		})
	}
}
