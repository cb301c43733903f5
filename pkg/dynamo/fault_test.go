package dynamo

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

// calls has every method of the store.
var calls = map[string]func(context.Context, *Store) error{
	"Lesson":              func(ctx context.Context, s *Store) error { _, _, err := s.Lesson(ctx, "s"); return err },
	"Lesson with records": func(ctx context.Context, s *Store) error { _, _, err := s.Lesson(ctx, "s", "c1"); return err },
	"Add": func(ctx context.Context, s *Store) error {
		_, err := s.Add(ctx, lesson.Arrival{Session: "s", Conn: lesson.Conn{ID: "c1", State: lesson.Seated}})
		return err
	},
	"Add of somebody who waits": func(ctx context.Context, s *Store) error {
		_, err := s.Add(ctx, lesson.Arrival{Session: "s", Due: 1, Conn: lesson.Conn{ID: "c1", State: lesson.Waiting}})
		return err
	},
	"Leave": func(ctx context.Context, s *Store) error {
		_, err := s.Leave(ctx, lesson.Departure{Session: "s", Status: journal.Ended, Conn: lesson.Conn{ID: "c1"}, Outside: true})
		return err
	},
	"Swap": func(ctx context.Context, s *Store) error {
		_, err := s.Swap(ctx, lesson.Lesson{Session: "s"})
		return err
	},
	"Shed": func(ctx context.Context, s *Store) error {
		_, err := s.Shed(ctx, lesson.Lesson{Session: "s"}, lesson.Shed{Records: []lesson.Record{{ID: "e:d", Seen: 1}}})
		return err
	},
	"Room":    func(ctx context.Context, s *Store) error { _, err := s.Room(ctx, "r"); return err },
	"Rooms":   func(ctx context.Context, s *Store) error { _, err := s.Rooms(ctx, "", 1); return err },
	"Lessons": func(ctx context.Context, s *Store) error { _, err := s.Lessons(ctx, []string{"s"}); return err },
	"Commit": func(ctx context.Context, s *Store) error {
		return s.Commit(ctx, room.Change{Room: room.Room{Name: "r"}, Create: true, Start: &lesson.Lesson{Session: "s"}})
	},
	"Commit of a swap": func(ctx context.Context, s *Store) error {
		return s.Commit(ctx, room.Change{Room: room.Room{Name: "r"}, Swap: &lesson.Lesson{Session: "s"}})
	},
	"Commit of a deletion": func(ctx context.Context, s *Store) error {
		return s.Commit(ctx, room.Change{Room: room.Room{Name: "r"}, Delete: true})
	},
	"Lines":   func(ctx context.Context, s *Store) error { _, err := s.Lines(ctx, "s", 0, 1); return err },
	"Records": func(ctx context.Context, s *Store) error { _, err := s.Records(ctx, "s", "", 1); return err },
	"Ban":     func(ctx context.Context, s *Store) error { _, _, err := s.Ban(ctx, "r", "u"); return err },
	"Bans":    func(ctx context.Context, s *Store) error { _, err := s.Bans(ctx, "r", "", 1); return err },
	"LessonsOf": func(ctx context.Context, s *Store) error {
		_, err := s.LessonsOf(ctx, "r", 1, room.Opening{}, 1)
		return err
	},
	"Due": func(ctx context.Context, s *Store) error { _, err := s.Due(ctx, 0, 1, 1); return err },
}

// writes are the methods whose requests may meet a transaction.
var writes = []string{"Add", "Add of somebody who waits", "Leave", "Swap", "Shed", "Commit", "Commit of a swap", "Commit of a deletion"}

// always answers every request with err.
func always(err error) func(context.Context, int, any) (any, error) {
	return func(context.Context, int, any) (any, error) { return nil, err }
}

// TestEveryMethodIsCalled holds that the faults meet every method of the port.
func TestEveryMethodIsCalled(t *testing.T) {
	port := reflect.TypeFor[room.Store]()
	for i := range port.NumMethod() {
		if name := port.Method(i).Name; calls[name] == nil {
			t.Errorf("%s meets no faults", name)
		}
	}
}

func TestStubSucceeds(t *testing.T) {
	for name, call := range calls {
		if err := call(t.Context(), New(&stub{}, "t")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func cancelledBy(codes ...string) error {
	e := &types.TransactionCanceledException{}
	for _, c := range codes {
		e.CancellationReasons = append(e.CancellationReasons, types.CancellationReason{Code: aws.String(c)})
	}
	return e
}

func TestFaults(t *testing.T) {
	for name, c := range map[string]struct {
		err         error
		unavailable bool
	}{
		"throttled":           {&types.ThrottlingException{}, true},
		"no throughput":       {&types.ProvisionedThroughputExceededException{}, true},
		"account's limit":     {&types.RequestLimitExceeded{}, true},
		"server error":        {&types.InternalServerError{}, true},
		"no such table":       {&types.ResourceNotFoundException{}, true},
		"not allowed":         {&smithy.GenericAPIError{Code: "AccessDeniedException"}, true},
		"refused connection":  {syscall.ECONNREFUSED, true},
		"answer cut off":      {&smithy.DeserializationError{Err: errors.New("unexpected EOF")}, true},
		"too late":            {context.DeadlineExceeded, true},
		"cancelled throttled": {cancelledBy("None", "ThrottlingError"), true},
		"cancelled capacity":  {cancelledBy("ProvisionedThroughputExceeded", "None"), true},
		"cancelled, too busy": {cancelledBy("RequestLimitExceeded"), true},
		"still in progress":   {&types.TransactionInProgressException{}, true},
		"too many at once":    {&types.LimitExceededException{}, true},
		"wrong request":       {&smithy.GenericAPIError{Code: "ValidationException"}, false},
		"wrong item":          {cancelledBy("None", "ValidationError"), false},
	} {
		for op, call := range calls {
			t.Run(name+"/"+op, func(t *testing.T) {
				s := &stub{answer: always(c.err)}
				err := call(t.Context(), New(s, "t"))
				if err == nil || errors.Is(err, room.ErrUnavailable) != c.unavailable {
					t.Errorf("error is %v; unavailable should be %t", err, c.unavailable)
				}
				if !errors.Is(err, c.err) {
					t.Errorf("error %v hides its cause", err)
				}
				if len(s.calls) != 1 {
					t.Errorf("%d requests, want 1: trying again is the SDK's", len(s.calls))
				}
			})
		}
	}
}

func TestTransactionInTheWay(t *testing.T) {
	for _, op := range writes {
		for name, err := range map[string]error{
			"single":      &types.TransactionConflictException{},
			"transaction": cancelledBy("None", "TransactionConflict"),
		} {
			t.Run(op+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { inTheWay(t, calls[op], err) })
			})
		}
	}
}

// inTheWay says that a few collisions are waited out, and more are reported.
func inTheWay(t *testing.T, call func(context.Context, *Store) error, collision error) {
	t.Helper()
	isCommit := func(in any) bool {
		_, batch := in.(*dynamodb.BatchWriteItemInput)
		return !batch
	}
	left := tries - 1
	s := &stub{}
	s.answer = func(_ context.Context, _ int, in any) (any, error) {
		if left--; left >= 0 && isCommit(in) {
			return nil, collision
		}
		return nil, nil
	}
	if err := call(t.Context(), New(s, "t")); err != nil {
		t.Errorf("after %d collisions: %v", tries-1, err)
	}
	s = &stub{answer: func(_ context.Context, _ int, in any) (any, error) {
		if isCommit(in) {
			return nil, collision
		}
		return nil, nil
	}}
	began := time.Now()
	if err := call(t.Context(), New(s, "t")); !errors.Is(err, room.ErrUnavailable) {
		t.Errorf("error is %v, want unavailable", err)
	}
	if took := time.Since(began); took == 0 || took > patience/2 {
		t.Errorf("collisions were waited out for %v", took)
	}
}

func TestLostRace(t *testing.T) {
	now := stored(lesson.Lesson{Session: "s", Room: "r", Revision: 9})
	single := &types.ConditionalCheckFailedException{Item: now}
	for _, op := range []string{"Add", "Leave", "Swap", "Shed"} {
		err := calls[op](t.Context(), New(&stub{answer: updates(single)}, "t"))
		var c *room.Conflict
		if !errors.As(err, &c) || c.Winner == nil || c.Winner.Revision != 9 {
			t.Errorf("%s: error is %v, want a conflict with the winner", op, err)
		}
		err = calls[op](t.Context(), New(&stub{answer: updates(&types.ConditionalCheckFailedException{})}, "t"))
		if !errors.Is(err, room.ErrNoLesson) {
			t.Errorf("%s: error is %v, want no lesson", op, err)
		}
	}
	for _, codes := range [][]string{
		{"ConditionalCheckFailed", "None"}, {"None", "ConditionalCheckFailed"}, {"TransactionConflict", "ConditionalCheckFailed"},
	} {
		s := &stub{answer: always(cancelledBy(codes...))}
		err := calls["Commit"](t.Context(), New(s, "t"))
		var c *room.Conflict
		if !errors.As(err, &c) || len(s.calls) != 1 {
			t.Errorf("%v: error is %v after %d requests, want a conflict at once", codes, err, len(s.calls))
		}
	}
}

// updates fails every UpdateItem with err.
func updates(err error) func(context.Context, int, any) (any, error) {
	return func(_ context.Context, _ int, in any) (any, error) {
		if _, ok := in.(*dynamodb.UpdateItemInput); ok {
			return nil, err
		}
		return nil, nil
	}
}

func TestHangingRequestsEnd(t *testing.T) {
	for op, call := range calls {
		t.Run(op, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &stub{answer: func(ctx context.Context, _ int, _ any) (any, error) {
					<-ctx.Done()
					return nil, ctx.Err()
				}}
				began := time.Now()
				err := call(t.Context(), New(s, "t"))
				if !errors.Is(err, room.ErrUnavailable) || time.Since(began) != patience {
					t.Errorf("error is %v after %v, want unavailable after %v", err, time.Since(began), patience)
				}
			})
		})
	}
}

func TestUnprocessed(t *testing.T) {
	for _, always := range []bool{false, true} {
		for _, op := range []string{"Lesson with records", "Lessons", "Shed"} {
			t.Run(fmt.Sprintf("%s/always %t", op, always), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { unprocessed(t, calls[op], always) })
			})
		}
	}
}

// unprocessed has DynamoDB do nothing of a batch, once or always.
func unprocessed(t *testing.T, call func(context.Context, *Store) error, always bool) {
	s := &stub{answer: func(ctx context.Context, call int, in any) (any, error) {
		if !always && call > 1 || ctx.Err() != nil {
			return nil, ctx.Err()
		}
		switch in := in.(type) {
		case *dynamodb.BatchGetItemInput:
			return &dynamodb.BatchGetItemOutput{UnprocessedKeys: in.RequestItems}, nil
		case *dynamodb.BatchWriteItemInput:
			return &dynamodb.BatchWriteItemOutput{UnprocessedItems: in.RequestItems}, nil
		}
		return nil, nil
	}}
	err := call(t.Context(), New(s, "t"))
	if errors.Is(err, room.ErrUnavailable) != always || (err == nil) == always {
		t.Errorf("error is %v after %v", err, s.calls)
	}
}

// TestRecordShedWhileReading has a batch read the record before a Shed wrote it
// and the lesson after the Shed.
func TestRecordShedWhileReading(t *testing.T) {
	const now = 1_700_000_000_000
	for name, c := range map[string]struct {
		shedAt int64
		calls  int
	}{"just now": {now, 2}, "by a clock behind": {now - 900, 2}, "long ago": {now - 5000, 1}, "never": {0, 1}} {
		shed := stored(lesson.Lesson{Session: "s"})
		shed["shedAt"] = number(c.shedAt)
		s := &stub{}
		store := New(s, "t", Clock(func() epoch.Instant { return now }))
		s.answer = func(_ context.Context, call int, _ any) (any, error) {
			i := shed
			if call == 2 {
				i = store.recordItem("s", lesson.Record{ID: "c1", Conn: &lesson.Conn{ID: "c1"}})
			}
			return &dynamodb.BatchGetItemOutput{Responses: map[string][]item{"t": {i}}}, nil
		}
		_, records, err := store.Lesson(t.Context(), "s", "c1")
		if err != nil || len(s.calls) != c.calls || len(records) != c.calls-1 {
			t.Errorf("%s: %d records by %d requests, error %v", name, len(records), len(s.calls), err)
		}
	}
}

// TestGateThatDenies: where the stored gate denies what the rules allow, the
// arrival is stored by the rules, without a new revision.
func TestGateThatDenies(t *testing.T) {
	l := lesson.Lesson{
		Session: "s", Status: journal.Running, Due: 1, Revision: 4, Added: 2,
		Conns: map[string]lesson.Conn{}, Promises: map[string]lesson.Promise{}, Seen: map[string]epoch.Instant{},
	}
	a := lesson.Arrival{Session: "s", Conn: lesson.Conn{ID: "c1", CreatedAt: 9, State: lesson.Seated}}
	s := &stub{answer: func(_ context.Context, call int, in any) (any, error) {
		switch call {
		case 1, 3:
			return nil, &types.ConditionalCheckFailedException{Item: stored(l)}
		case 2:
			return &dynamodb.GetItemOutput{Item: stored(l)}, nil
		}
		return &dynamodb.UpdateItemOutput{Attributes: stored(a.Into(l))}, nil
	}}
	got, err := New(s, "t").Add(t.Context(), a)
	if err != nil || got.Added != 3 || len(s.calls) != 4 {
		t.Fatalf("got %+v, %v after %v", got, err, s.calls)
	}
	in := s.inputs[3].(*dynamodb.UpdateItemInput)
	if v := in.ExpressionAttributeValues; v[":n4"] == nil || v[":n2"] == nil {
		t.Errorf("the condition rests on %v, want revision 4 and 2 added", v)
	}
}
