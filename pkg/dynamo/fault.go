package dynamo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"usher/pkg/room"
)

// tries is how often a request is made that only met a transaction.
const tries = 5

// bounded limits one call of the store to its patience.
func (s *Store) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, s.patience)
}

// again repeats call while it collides with a transaction, which proves that
// nothing was written.
func again(ctx context.Context, call func() error) error {
	for try := 1; ; try++ {
		err := call()
		if try == tries || !collided(err) {
			return err
		}
		if pause(ctx, try) != nil {
			return err
		}
	}
}

// pause waits 4 to 8 ms after the first try, each time twice as long, at most
// a quarter of a second.
func pause(ctx context.Context, try int) error {
	base := min(4*time.Millisecond<<min(try, 10), 256*time.Millisecond) / 2
	t := time.NewTimer(base + rand.N(base))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// collided reports whether a transaction on the same item was in the way, and
// no condition had failed.
func collided(err error) bool {
	var single *types.TransactionConflictException
	return errors.As(err, &single) || cancelledFor(err, "TransactionConflict") && !refused(err)
}

// refused reports whether a condition did not hold.
func refused(err error) bool {
	var single *types.ConditionalCheckFailedException
	return errors.As(err, &single) || cancelledFor(err, "ConditionalCheckFailed")
}

// cancelledFor reports whether a transaction was cancelled for one of the codes.
func cancelledFor(err error, codes ...string) bool {
	var c *types.TransactionCanceledException
	return errors.As(err, &c) && slices.ContainsFunc(c.CancellationReasons, func(r types.CancellationReason) bool {
		return slices.Contains(codes, aws.ToString(r.Code))
	})
}

// wrong lists the answers that a request earns by itself: asking again is
// hopeless. Any other failure is the store's, or the way's to it.
var wrong = []string{
	"ValidationException", "SerializationException", "ItemCollectionSizeLimitExceededException",
	"IdempotentParameterMismatchException",
}

// fault makes err a room.ErrUnavailable, with the outcome unknown, unless the
// request itself was wrong.
func fault(op string, err error) error {
	if err == nil {
		return nil
	}
	var api smithy.APIError
	if errors.As(err, &api) && slices.Contains(wrong, api.ErrorCode()) ||
		cancelledFor(err, "ValidationError", "ItemCollectionSizeLimitExceeded") {
		return fmt.Errorf("dynamodb: %s: %w", op, err)
	}
	return fmt.Errorf("dynamodb: %s: %w: %w", op, room.ErrUnavailable, err)
}
