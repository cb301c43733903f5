//go:build verify

package dynamo_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

type attributes = map[string]types.AttributeValue

func at(pk, sk string) attributes {
	return attributes{"pk": &types.AttributeValueMemberS{Value: pk}, "sk": &types.AttributeValueMemberS{Value: sk}}
}

// mark gives an item an attribute that the store does not know.
func mark(t *testing.T, client *dynamodb.Client, pk, sk string) {
	t.Helper()
	_, err := client.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: aws.String("usher"), Key: at(pk, sk),
		UpdateExpression:          aws.String("SET tomorrow = :v"),
		ExpressionAttributeValues: attributes{":v": &types.AttributeValueMemberS{Value: "kept"}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// marked says that the item still has it.
func marked(t *testing.T, client *dynamodb.Client, pk, sk string) {
	t.Helper()
	out, err := client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("usher"), Key: at(pk, sk)})
	if err != nil {
		t.Fatal(err)
	}
	if v, ok := out.Item["tomorrow"].(*types.AttributeValueMemberS); !ok || v.Value != "kept" {
		t.Errorf("%s %s lost what it did not know: %v", pk, sk, out.Item)
	}
}
