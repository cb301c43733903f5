package dynamo

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// report asks for the consumed units where somebody wants to know.
func (s *Store) report() types.ReturnConsumedCapacity {
	if s.capacity == nil {
		return types.ReturnConsumedCapacityNone
	}
	return types.ReturnConsumedCapacityTotal
}

func (s *Store) read(op string, used ...*types.ConsumedCapacity) {
	if s.capacity != nil {
		s.capacity(op, units(used), 0)
	}
}

func (s *Store) wrote(op string, used ...*types.ConsumedCapacity) {
	if s.capacity != nil {
		s.capacity(op, 0, units(used))
	}
}

func units(used []*types.ConsumedCapacity) float64 {
	sum := 0.0
	for _, u := range used {
		if u != nil {
			sum += aws.ToFloat64(u.CapacityUnits)
		}
	}
	return sum
}

// each is what a request on several tables or items reports.
func each(used []types.ConsumedCapacity) []*types.ConsumedCapacity {
	out := make([]*types.ConsumedCapacity, len(used))
	for i := range used {
		out[i] = &used[i]
	}
	return out
}
