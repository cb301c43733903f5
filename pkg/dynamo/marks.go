package dynamo

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"usher/pkg/epoch"
	"usher/pkg/room"
)

var _ room.Marks = (*Store)(nil)

// markPrefix begins the attributes of the item of marks.
const markPrefix = "m:"

func marksKey() item { return key("usher", "marks") }

// Mark implements room.Marks: one UpdateItem.
func (s *Store) Mark(ctx context.Context, name string, at epoch.Instant) error {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	out, err := s.api.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: marksKey(),
		UpdateExpression:          aws.String("SET #m = :at"),
		ConditionExpression:       aws.String("attribute_not_exists(#m) OR #m < :at"),
		ExpressionAttributeNames:  map[string]string{"#m": markPrefix + name},
		ExpressionAttributeValues: item{":at": number(int64(at))},
		ReturnConsumedCapacity:    s.report(),
	}, plainBody)
	var newer *types.ConditionalCheckFailedException
	switch {
	case errors.As(err, &newer):
		return nil
	case err != nil:
		return fault("Mark", err)
	}
	s.wrote("Mark", out.ConsumedCapacity)
	return nil
}

// Marks implements room.Marks: one GetItem.
func (s *Store) Marks(ctx context.Context) (map[string]epoch.Instant, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	i, err := s.get(ctx, "Marks", marksKey())
	if err != nil {
		return nil, err
	}
	marks := map[string]epoch.Instant{}
	for name, v := range i {
		mark, isMark := strings.CutPrefix(name, markPrefix)
		if n, ok := v.(*types.AttributeValueMemberN); ok && isMark {
			at, err := strconv.ParseInt(n.Value, 10, 64)
			if err != nil {
				return nil, named(err, i)
			}
			marks[mark] = epoch.Instant(at)
		}
	}
	return marks, nil
}
