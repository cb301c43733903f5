package app

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"usher/pkg/dynamo"
	"usher/pkg/timer"
)

// view is how a function sees the table. Pages are templates, and templates
// look methods up by name: beside them the linker keeps every method of every
// type that is somewhere in an interface, of DynamoDB's client 60 operations,
// each one 50 kB and a right that the function seems to need. In function
// values it sees exactly what is called. Without pages it sees that by itself,
// and better.
type view func(*dynamodb.Client) dynamo.API

func whole(c *dynamodb.Client) dynamo.API { return c }

func narrow(c *dynamodb.Client) dynamo.API {
	return table{c.GetItem, c.BatchGetItem, c.UpdateItem, c.BatchWriteItem, c.TransactWriteItems, c.Query}
}

type call[In, Out, Option any] func(context.Context, *In, ...func(*Option)) (*Out, error)

type table struct {
	get        call[dynamodb.GetItemInput, dynamodb.GetItemOutput, dynamodb.Options]
	getBatch   call[dynamodb.BatchGetItemInput, dynamodb.BatchGetItemOutput, dynamodb.Options]
	update     call[dynamodb.UpdateItemInput, dynamodb.UpdateItemOutput, dynamodb.Options]
	writeBatch call[dynamodb.BatchWriteItemInput, dynamodb.BatchWriteItemOutput, dynamodb.Options]
	transact   call[dynamodb.TransactWriteItemsInput, dynamodb.TransactWriteItemsOutput, dynamodb.Options]
	query      call[dynamodb.QueryInput, dynamodb.QueryOutput, dynamodb.Options]
}

func (t table) GetItem(ctx context.Context, in *dynamodb.GetItemInput, o ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	return t.get(ctx, in, o...)
}

func (t table) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, o ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	return t.getBatch(ctx, in, o...)
}

func (t table) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, o ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	return t.update(ctx, in, o...)
}

func (t table) BatchWriteItem(ctx context.Context, in *dynamodb.BatchWriteItemInput, o ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error) {
	return t.writeBatch(ctx, in, o...)
}

func (t table) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, o ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	return t.transact(ctx, in, o...)
}

func (t table) Query(ctx context.Context, in *dynamodb.QueryInput, o ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	return t.query(ctx, in, o...)
}

type sender call[sqs.SendMessageInput, sqs.SendMessageOutput, sqs.Options]

var _ timer.SQS = sender(nil)

func (s sender) SendMessage(ctx context.Context, in *sqs.SendMessageInput, o ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	return s(ctx, in, o...)
}

type planner call[scheduler.CreateScheduleInput, scheduler.CreateScheduleOutput, scheduler.Options]

var _ timer.Scheduler = planner(nil)

func (p planner) CreateSchedule(ctx context.Context, in *scheduler.CreateScheduleInput, o ...func(*scheduler.Options)) (*scheduler.CreateScheduleOutput, error) {
	return p(ctx, in, o...)
}
