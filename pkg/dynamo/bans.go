package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"usher/pkg/lesson"
	"usher/pkg/room"
)

// Ban implements room.Store: one GetItem.
func (s *Store) Ban(ctx context.Context, room, user string) (lesson.Ban, bool, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	i, err := s.get(ctx, "Ban", banKey(room, user))
	if err != nil || i == nil {
		return lesson.Ban{}, false, err
	}
	b, err := decodeBan(i)
	return b, err == nil, err
}

// Bans implements room.Store: one Query for a thousand bans, or about 1 MB of them.
func (s *Store) Bans(ctx context.Context, room, after string, limit int) ([]lesson.Ban, error) {
	in := s.query("pk = :pk", item{":pk": str(bansMark + room)})
	if after != "" {
		in.ExclusiveStartKey = banKey(room, after)
	}
	return listed(ctx, s, "Bans", in, limit, 1, one(decodeBan))
}

// banWrites are the bans of a change, as parts of its transaction.
func (s *Store) banWrites(c room.Change) []types.TransactWriteItem {
	writes := make([]types.TransactWriteItem, 0, len(c.Bans)+len(c.Lift))
	for _, b := range c.Bans {
		writes = append(writes, types.TransactWriteItem{Put: &types.Put{TableName: &s.table, Item: s.banItem(c.Room.Name, b)}})
	}
	for _, user := range c.Lift {
		writes = append(writes, types.TransactWriteItem{Delete: &types.Delete{TableName: &s.table, Key: banKey(c.Room.Name, user)}})
	}
	return writes
}

// banItem is the item of a ban. One that ends may be deleted when it has been
// over for as long as anything else is kept.
func (s *Store) banItem(room string, b lesson.Ban) item {
	c, expires := writer(), int64(0)
	if b.Until != 0 {
		expires = b.Until.Add(s.keep).Seconds()
	}
	banFields(c, b.User, &b)
	num(c, "expires", &expires)
	for name, v := range banKey(room, b.User) {
		c.item[name] = v
	}
	return c.item
}

func decodeBan(i item) (b lesson.Ban, err error) {
	c := reader(i)
	banFields(c, textAfter(keyText(i, "sk"), userMark), &b)
	return b, named(c.err, i)
}
