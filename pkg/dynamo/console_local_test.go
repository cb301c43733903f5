//go:build verify

package dynamo

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// mark gives an item an attribute that the store does not know.
func mark(t *testing.T, client *dynamodb.Client, pk, sk string) {
	t.Helper()
	_, err := client.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: ptr(tableName), Key: key(pk, sk),
		UpdateExpression:          ptr("SET tomorrow = :v"),
		ExpressionAttributeValues: item{":v": str("kept")},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// marked says that the item still has it.
func marked(t *testing.T, client *dynamodb.Client, pk, sk string) {
	t.Helper()
	out, err := client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: ptr(tableName), Key: key(pk, sk)})
	if err != nil {
		t.Fatal(err)
	}
	if v, ok := out.Item["tomorrow"].(*types.AttributeValueMemberS); !ok || v.Value != "kept" {
		t.Errorf("%s %s lost what it did not know: %v", pk, sk, out.Item)
	}
}
