package emf

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/pkg/epoch"
	"usher/pkg/metric"
)

func at() epoch.Instant { return 1795522511000 }

// TestLines: as the specification has them. A set of dimensions may be empty.
func TestLines(t *testing.T) {
	var out strings.Builder
	w := New(&out, "Usher/test", at)
	w.Record(metric.Webhooks, metric.Heard, 1)
	w.Record(metric.EndLate, "", 54)
	want := `{"Result":"heard","Webhooks":1,"_aws":{"Timestamp":1795522511000,"CloudWatchMetrics":[{"Namespace":"Usher/test","Dimensions":[["Result"]],"Metrics":[{"Name":"Webhooks","Unit":"Count"}]}]}}
{"EndLate":54,"_aws":{"Timestamp":1795522511000,"CloudWatchMetrics":[{"Namespace":"Usher/test","Dimensions":[[]],"Metrics":[{"Name":"EndLate","Unit":"Milliseconds"}]}]}}
`
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Error(d)
	}
}

// pieces notes each write by itself.
type pieces struct{ all []string }

func (p *pieces) Write(b []byte) (int, error) {
	p.all = append(p.all, string(b))
	return len(b), nil
}

// TestOnePiece: a line that others could write into would be no line.
func TestOnePiece(t *testing.T) {
	var out pieces
	w := New(&out, "Usher/test", at)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { w.Record(metric.Parked, "", 1) })
	}
	all.Wait()
	for _, line := range out.all {
		if !json.Valid([]byte(line)) || strings.Count(line, "\n") != 1 {
			t.Errorf("written: %q", line)
		}
	}
	if len(out.all) != 20 {
		t.Errorf("%d writes", len(out.all))
	}
}
