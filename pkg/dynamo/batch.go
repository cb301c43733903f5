package dynamo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"usher/pkg/epoch"
	"usher/pkg/lesson"
)

// DynamoDB's bounds of one request.
const (
	maxGets = 100
	maxPuts = 25
)

// skew is how far two functions' clocks may be apart.
const skew = time.Second

// lessonWith reads a lesson and records of it in one request. Its reads are not
// one snapshot: a record may be read before a Shed writes it and the lesson
// after the Shed has removed the entry. A Shed that is that young shows in
// shedAt, and items that were missing are read once more.
func (s *Store) lessonWith(ctx context.Context, session string, ids []string) (lesson.Lesson, []lesson.Record, error) {
	began := s.now()
	keys := []item{lessonKey(session)}
	for _, id := range unique(ids) {
		keys = append(keys, recordKey(session, id))
	}
	found, err := s.getAll(ctx, "Lesson", true, keys)
	if err != nil {
		return lesson.Lesson{}, nil, err
	}
	i, ok := found[sortOf(keys[0])]
	if !ok {
		return lesson.Lesson{}, nil, noLesson(session)
	}
	if err := s.recheck(ctx, began, i, keys, found); err != nil {
		return lesson.Lesson{}, nil, err
	}
	l, err := decodeLesson(i)
	if err != nil {
		return lesson.Lesson{}, nil, err
	}
	records, err := recordsIn(found, keys[1:])
	return l, records, err
}

// recheck reads the keys that were not found again, if a Shed may have been
// under way since began.
func (s *Store) recheck(ctx context.Context, began epoch.Instant, lesson item, keys []item, found map[string]item) error {
	var shedAt epoch.Instant
	num(reader(lesson), "shedAt", &shedAt)
	missing := slices.DeleteFunc(slices.Clone(keys), func(k item) bool { return found[sortOf(k)] != nil })
	if shedAt < began.Add(-skew) || len(missing) == 0 {
		return nil
	}
	more, err := s.getAll(ctx, "Lesson", true, missing)
	for k, i := range more {
		found[k] = i
	}
	return err
}

func recordsIn(found map[string]item, keys []item) ([]lesson.Record, error) {
	var records []lesson.Record
	for _, k := range keys {
		i, ok := found[sortOf(k)]
		if !ok {
			continue
		}
		r, err := decodeRecord(i)
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	return records, nil
}

// sortOf tells the items of one request apart.
func sortOf(i item) string { return keyText(i, "pk") + "\x00" + keyText(i, "sk") }

// unique gives each id once, where it stands first.
func unique(ids []string) []string {
	seen := map[string]bool{}
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
		was := seen[id]
		seen[id] = true
		return was
	})
}

// getAll reads items by their keys, which are all different.
func (s *Store) getAll(ctx context.Context, op string, consistent bool, keys []item) (map[string]item, error) {
	found := map[string]item{}
	for chunk := range slices.Chunk(keys, maxGets) {
		if err := s.getSome(ctx, op, consistent, chunk, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// getSome asks for keys until none is left unprocessed.
func (s *Store) getSome(ctx context.Context, op string, consistent bool, keys []item, found map[string]item) error {
	for try := 1; len(keys) > 0; try++ {
		out, err := s.api.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
			RequestItems:           map[string]types.KeysAndAttributes{s.table: {Keys: keys, ConsistentRead: aws.Bool(consistent)}},
			ReturnConsumedCapacity: s.report(),
		}, plainBody)
		if err != nil {
			return fault(op, err)
		}
		s.read(op, each(out.ConsumedCapacity)...)
		for _, i := range out.Responses[s.table] {
			found[sortOf(i)] = i
		}
		if keys = out.UnprocessedKeys[s.table].Keys; len(keys) == 0 {
			break
		}
		if err := pause(ctx, try); err != nil {
			return fault(op, fmt.Errorf("%d items were not read in time: %w", len(keys), err))
		}
	}
	return nil
}

// putAll writes items, of which none has another's key.
func (s *Store) putAll(ctx context.Context, op string, items []item) error {
	for chunk := range slices.Chunk(items, maxPuts) {
		puts := make([]types.WriteRequest, len(chunk))
		for i := range chunk {
			puts[i].PutRequest = &types.PutRequest{Item: chunk[i]}
		}
		if err := s.putSome(ctx, op, puts); err != nil {
			return err
		}
	}
	return nil
}

// putSome writes until nothing is left unprocessed.
func (s *Store) putSome(ctx context.Context, op string, puts []types.WriteRequest) error {
	for try := 1; len(puts) > 0; try++ {
		out, err := s.api.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
			RequestItems:           map[string][]types.WriteRequest{s.table: puts},
			ReturnConsumedCapacity: s.report(),
		}, plainBody)
		if err != nil {
			return fault(op, err)
		}
		s.wrote(op, each(out.ConsumedCapacity)...)
		if puts = out.UnprocessedItems[s.table]; len(puts) == 0 {
			break
		}
		if err := pause(ctx, try); err != nil {
			return fault(op, fmt.Errorf("%d items were not written in time: %w", len(puts), err))
		}
	}
	return nil
}
