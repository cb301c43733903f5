// Package dynamo keeps rooms and lessons in one DynamoDB table. Nothing else
// knows its keys, its expressions or what an item looks like:
//
//	pk         sk                  what
//	rooms      NAME                a room; all of them in one partition, so that they list by name
//	L#SESSION  lesson              a lesson: its connections, promises and last log lines
//	L#SESSION  r#ID                a record, which left the lesson: a connection, a promise p:, a digest e:, a user u:
//	L#SESSION  c#0000000000000009  eight log lines that left the lesson, by the number of the first
//	B#ROOM     u#USER              a ban of the user in the rooms of that name
//	usher      marks               when something was last done, m:NAME
//	O#ROOM     MADE#BEGAN#SESSION  a lesson of the room of that name that was made then, and when it began
//
// A lesson's attributes are its fields (fields.go has the names, some of them older
// than those in the code), those that are not set left out; connections, promises
// and digests are maps by id, log lines a list, all with short names (at, heard,
// left, ...) since a write is paid by the item's bytes. Beside them stand, for Add's
// condition, the gate of lesson.Lesson.Gate (live, limit, after, and under roles live
// and limit of each role, r:ROLE, that has a cap of its own) and under users how
// often each user is in or promised; bucket and dueAt, for the index of
// unfinished work; expires, when the item may be deleted, in seconds, which a room,
// a ban without an end and a lesson that has not ended lack; and shedAt, when records last left the
// lesson.
//
// A write changes the attributes it knows and leaves the others, so that
// versions of the code can run beside one another.
//
// It is trusted with everything that Usher knows: a nil error means that DynamoDB
// has it, a *room.Conflict that nothing was written. Begin with store.go and
// lessons.go; fields.go and codec.go are the items, update.go the expressions.
package dynamo

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"usher/pkg/epoch"
	"usher/pkg/room"
)

// API is what the store calls of the SDK's client.
type API interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	BatchWriteItem(context.Context, *dynamodb.BatchWriteItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
}

// patience is how long a call of the store may take in all, the SDK's tries
// included, unless Patience says otherwise: after that the caller parks its event.
const patience = 2 * time.Second

// keep is how long an item stays after it was last written, unless Retention says
// otherwise.
const keep = 90 * 24 * time.Hour

// Store is a room.Store in one table. It is safe for concurrent use.
type Store struct {
	api      API
	table    string
	now      func() epoch.Instant
	patience time.Duration
	keep     time.Duration
	capacity func(op string, read, write float64)
}

var _ room.Store = (*Store)(nil)

// Option changes a Store.
type Option func(*Store)

// Clock gives the store another clock than the system's.
func Clock(now func() epoch.Instant) Option { return func(s *Store) { s.now = now } }

// Patience gives each call that long instead of two seconds.
func Patience(d time.Duration) Option { return func(s *Store) { s.patience = d } }

// Retention keeps what is over for that long instead of 90 days after it was last written.
func Retention(d time.Duration) Option { return func(s *Store) { s.keep = d } }

// OnCapacity has f called after every request that succeeded, with the Store's
// method that made it and the units it consumed, those of the index included.
// A failed condition consumes units too, but DynamoDB does not say how many.
func OnCapacity(f func(op string, read, write float64)) Option {
	return func(s *Store) { s.capacity = f }
}

// New gives the store in that table.
func New(client API, table string, opts ...Option) *Store {
	s := &Store{
		api: client, table: table, patience: patience, keep: keep,
		now: func() epoch.Instant { return epoch.Of(time.Now()) },
	}
	for _, o := range opts {
		o(s)
	}
	return s
}

// expires is when an item that is written now may be deleted, in seconds.
func (s *Store) expires() int64 { return s.now().Add(s.keep).Seconds() }
