//go:build verify

package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// hooked is an API with a hook in place of each request, which send sends.
type hooked struct {
	api  API
	hook func(in any, send func() error) error
}

func hook[T any](h hooked, in any, send func() (*T, error)) (out *T, err error) {
	err = h.hook(in, func() (err error) {
		out, err = send()
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (h hooked) GetItem(ctx context.Context, in *dynamodb.GetItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	return hook(h, in, func() (*dynamodb.GetItemOutput, error) { return h.api.GetItem(ctx, in, opts...) })
}

func (h hooked) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	return hook(h, in, func() (*dynamodb.BatchGetItemOutput, error) { return h.api.BatchGetItem(ctx, in, opts...) })
}

func (h hooked) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	return hook(h, in, func() (*dynamodb.UpdateItemOutput, error) { return h.api.UpdateItem(ctx, in, opts...) })
}

func (h hooked) BatchWriteItem(ctx context.Context, in *dynamodb.BatchWriteItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error) {
	return hook(h, in, func() (*dynamodb.BatchWriteItemOutput, error) { return h.api.BatchWriteItem(ctx, in, opts...) })
}

func (h hooked) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, opts ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	return hook(h, in, func() (*dynamodb.TransactWriteItemsOutput, error) { return h.api.TransactWriteItems(ctx, in, opts...) })
}

func (h hooked) Query(ctx context.Context, in *dynamodb.QueryInput, opts ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	return hook(h, in, func() (*dynamodb.QueryOutput, error) { return h.api.Query(ctx, in, opts...) })
}
