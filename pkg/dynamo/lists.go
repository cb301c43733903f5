package dynamo

import (
	"context"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

// Rooms implements room.Store: one Query for about 1 MB of rooms.
func (s *Store) Rooms(ctx context.Context, after string, limit int) ([]room.Room, error) {
	in := s.query("pk = :pk", item{":pk": str(roomsKey)})
	if after != "" {
		in.ExclusiveStartKey = roomKey(after)
	}
	return listed(ctx, s, "Rooms", in, limit, 1, one(showRoom))
}

// Lessons implements room.Store: one BatchGetItem for every hundred sessions,
// eventually consistent.
func (s *Store) Lessons(ctx context.Context, sessions []string) (map[string]lesson.Lesson, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	var keys []item
	for _, session := range unique(sessions) {
		keys = append(keys, lessonKey(session))
	}
	found, err := s.getAll(ctx, "Lessons", false, keys)
	if err != nil {
		return nil, err
	}
	lessons := make(map[string]lesson.Lesson, len(found))
	for _, i := range found {
		l, err := showLesson(i)
		if err != nil {
			return nil, err
		}
		lessons[l.Session] = l
	}
	return lessons, nil
}

// LessonsOf implements room.Store: one Query.
func (s *Store) LessonsOf(ctx context.Context, name string, created epoch.Instant, after room.Opening, limit int) ([]room.Opening, error) {
	in := s.query("pk = :pk AND begins_with(sk, :made)", item{":pk": str(openMark + name), ":made": str(openingsOf(created))})
	in.ScanIndexForward = aws.Bool(false)
	if after != (room.Opening{}) {
		in.ExclusiveStartKey = openingKey(name, created, after)
	}
	return listed(ctx, s, "LessonsOf", in, limit, 1, one(openingIn))
}

// Lines implements room.Store: one Query.
func (s *Store) Lines(ctx context.Context, session string, after int64, limit int) ([]journal.Line, error) {
	in := s.query("pk = :pk AND sk BETWEEN :from AND :to", item{
		":pk":   str(lessonMark + session),
		":from": str(chunkSort(max(0, after-chunkLines+2))), // the chunk that holds the line after
		":to":   str(lastChunk),
	})
	return listed(ctx, s, "Lines", in, limit, chunkLines, func(i item) ([]journal.Line, error) {
		lines, err := decodeChunk(i)
		for len(lines) > 0 && lines[0].Seq <= after {
			lines = lines[1:]
		}
		return lines, err
	})
}

// Records implements room.Store: one Query for about 1 MB of records.
func (s *Store) Records(ctx context.Context, session, after string, limit int) ([]lesson.Record, error) {
	in := s.query("pk = :pk AND begins_with(sk, :mark)", item{
		":pk": str(lessonMark + session), ":mark": str(recordMark),
	})
	if after != "" {
		in.ExclusiveStartKey = recordKey(session, after)
	}
	return listed(ctx, s, "Records", in, limit, 1, one(decodeRecord))
}

// Due implements room.Store: one Query on the index, eventually consistent.
func (s *Store) Due(ctx context.Context, bucket int, before epoch.Instant, limit int) ([]string, error) {
	in := s.query("#bucket = :bucket AND dueAt <= :before", item{
		":bucket": str(strconv.Itoa(bucket)), ":before": number(int64(before)),
	})
	in.IndexName, in.ConsistentRead = aws.String(dueName), nil
	in.ExpressionAttributeNames = map[string]string{"#bucket": "bucket"}
	return listed(ctx, s, "Due", in, limit, 1, func(i item) ([]string, error) {
		return []string{sessionOf(i)}, nil
	})
}

func (s *Store) query(condition string, values item) *dynamodb.QueryInput {
	return &dynamodb.QueryInput{
		TableName: &s.table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression: &condition, ExpressionAttributeValues: values,
		ReturnConsumedCapacity: s.report(),
	}
}

// one is for items that hold one thing each.
func one[T any](decode func(item) (T, error)) func(item) ([]T, error) {
	return func(i item) ([]T, error) {
		v, err := decode(i)
		return []T{v}, err
	}
}

// listed queries until it has limit things, up to per from an item, or all.
func listed[T any](ctx context.Context, s *Store, op string, in *dynamodb.QueryInput, limit, per int, decode func(item) ([]T, error)) ([]T, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	var all []T
	for len(all) < limit {
		in.Limit = aws.Int32(int32((min(limit-len(all), 1000) + 2*(per-1)) / per))
		out, err := s.api.Query(ctx, in, plainBody)
		if err != nil {
			return nil, fault(op, err)
		}
		s.read(op, out.ConsumedCapacity)
		for _, i := range out.Items {
			some, err := decode(i)
			if err != nil {
				return nil, err
			}
			all = append(all, some...)
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			break
		}
	}
	return all[:min(max(limit, 0), len(all))], nil
}
