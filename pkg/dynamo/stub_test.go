package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// stub answers every request with success, unless answer says otherwise; it
// stores nothing.
type stub struct {
	calls  []string
	inputs []any
	answer func(ctx context.Context, call int, in any) (out any, err error)
}

// respond gives the stubbed answer, or def.
func respond[T any](ctx context.Context, s *stub, name string, in any, def *T) (*T, error) {
	s.calls, s.inputs = append(s.calls, name), append(s.inputs, in)
	if s.answer == nil {
		return def, nil
	}
	out, err := s.answer(ctx, len(s.calls), in)
	if err != nil {
		return nil, err
	}
	if t, ok := out.(*T); ok {
		return t, nil
	}
	return def, nil
}

func (s *stub) GetItem(ctx context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	return respond(ctx, s, "GetItem", in, &dynamodb.GetItemOutput{Item: in.Key})
}

func (s *stub) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	found := map[string][]map[string]types.AttributeValue{}
	for table, keys := range in.RequestItems {
		found[table] = keys.Keys
	}
	return respond(ctx, s, "BatchGetItem", in, &dynamodb.BatchGetItemOutput{Responses: found})
}

func (s *stub) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	return respond(ctx, s, "UpdateItem", in, &dynamodb.UpdateItemOutput{Attributes: in.Key})
}

func (s *stub) BatchWriteItem(ctx context.Context, in *dynamodb.BatchWriteItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error) {
	return respond(ctx, s, "BatchWriteItem", in, &dynamodb.BatchWriteItemOutput{})
}

func (s *stub) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	return respond(ctx, s, "TransactWriteItems", in, &dynamodb.TransactWriteItemsOutput{})
}

func (s *stub) Query(ctx context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	return respond(ctx, s, "Query", in, &dynamodb.QueryOutput{})
}
