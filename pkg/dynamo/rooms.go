package dynamo

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"usher/pkg/lesson"
	"usher/pkg/room"
)

// Room implements room.Store: one GetItem.
func (s *Store) Room(ctx context.Context, name string) (room.Room, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	i, err := s.get(ctx, "Room", roomKey(name))
	if err != nil {
		return room.Room{}, err
	}
	if i == nil {
		return room.Room{}, fmt.Errorf("%w: %q", room.ErrNoRoom, name)
	}
	return decodeRoom(i)
}

// Commit implements room.Store: one TransactWriteItems. The SDK gives each call
// a request token of its own, so that its tries count once.
func (s *Store) Commit(ctx context.Context, c room.Change) error {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	if err := c.Check(); err != nil {
		return err
	}
	writes := append(s.banWrites(c), s.roomWrite(c))
	if c.Swap != nil {
		writes = append(writes, types.TransactWriteItem{Update: s.swapWrite(*c.Swap)})
	}
	if c.Start != nil {
		writes = append(writes, types.TransactWriteItem{Put: s.startWrite(*c.Start)}, types.TransactWriteItem{Put: s.openingWrite(*c.Start)})
	}
	var out *dynamodb.TransactWriteItemsOutput
	err := again(ctx, func() (err error) {
		out, err = s.api.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{
			TransactItems: writes, ReturnConsumedCapacity: s.report(),
		}, plainBody)
		return err
	})
	if refused(err) {
		return &room.Conflict{}
	}
	if err != nil {
		return fault("Commit", err)
	}
	s.wrote("Commit", each(out.ConsumedCapacity)...)
	return nil
}

func (s *Store) roomWrite(c room.Change) types.TransactWriteItem {
	u, r := newUpdate(), c.Room
	if c.Create {
		u.when("attribute_not_exists(%s)", u.attr("pk"))
	} else {
		u.when("%s = %s", u.attr("revision"), u.number(r.Revision))
		u.known()
	}
	if c.Delete {
		return types.TransactWriteItem{Delete: &types.Delete{
			TableName: &s.table, Key: roomKey(r.Name), ConditionExpression: u.condition(),
			ExpressionAttributeNames: u.names, ExpressionAttributeValues: u.values,
		}}
	}
	r.Revision++
	w, schema := writer(), room.SchemaWritten
	roomFields(w, &r)
	num(w, "schema", &schema)
	u.all(w.item, w.known)
	return types.TransactWriteItem{Update: s.within(roomKey(r.Name), u)}
}

func (s *Store) swapWrite(next lesson.Lesson) *types.Update {
	return s.within(lessonKey(next.Session), s.swapped(next))
}

// within is an update as a part of a transaction.
func (s *Store) within(k item, u *update) *types.Update {
	return &types.Update{
		TableName: &s.table, Key: k,
		UpdateExpression: u.expression(), ConditionExpression: u.condition(),
		ExpressionAttributeNames: u.names, ExpressionAttributeValues: u.values,
	}
}

func (s *Store) startWrite(l lesson.Lesson) *types.Put {
	i, _ := whole(l, s.expires())
	for name, v := range lessonKey(l.Session) {
		i[name] = v
	}
	return &types.Put{
		TableName: &s.table, Item: i,
		ConditionExpression: aws.String("attribute_not_exists(pk)"),
	}
}

// openingWrite lists the lesson among those of its room. The entry is written once and the
// lesson often, so it is kept longer: who reads it looks whether the lesson is there.
func (s *Store) openingWrite(l lesson.Lesson) *types.Put {
	i := openingKey(l.Room, l.RoomCreated, room.Opening{At: l.Created, Session: l.Session})
	i["expires"] = number(s.now().Add(2 * s.keep).Seconds())
	return &types.Put{TableName: &s.table, Item: i}
}
