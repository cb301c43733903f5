// Package emf records metrics as lines of CloudWatch's embedded metric format: whoever
// keeps a function's output reads them there, and no request is made. The format is
// described in the CloudWatch user guide, "Specification: Embedded metric format".
package emf

import (
	"encoding/json"
	"io"
	"sync"

	"usher/pkg/epoch"
	"usher/pkg/metric"
)

// Writer writes a line for each value. It is safe for concurrent use.
type Writer struct {
	namespace string
	now       func() epoch.Instant

	mu sync.Mutex
	w  io.Writer
}

// New makes a Writer of metrics in the namespace, which CloudWatch wants to have 1 to
// 255 bytes.
func New(w io.Writer, namespace string, now func() epoch.Instant) *Writer {
	return &Writer{namespace: namespace, now: now, w: w}
}

type metadata struct {
	Timestamp epoch.Instant `json:"Timestamp"` // ms since 1970
	Metrics   []directive   `json:"CloudWatchMetrics"`
}

type directive struct {
	Namespace  string       `json:"Namespace"`
	Dimensions [][]string   `json:"Dimensions"`
	Metrics    []definition `json:"Metrics"`
}

type definition struct {
	Name string      `json:"Name"`
	Unit metric.Unit `json:"Unit"`
}

// Record writes the value in one piece. What cannot be written is lost.
func (w *Writer) Record(m *metric.Metric, label string, value int64) {
	set := []string{}
	if m.Label != "" {
		set = append(set, m.Label)
	}
	line := map[string]any{
		"_aws": metadata{w.now(), []directive{{w.namespace, [][]string{set}, []definition{{m.Name, m.Unit}}}}},
		m.Name: value,
	}
	if m.Label != "" {
		line[m.Label] = label
	}
	text, err := json.Marshal(line)
	if err != nil {
		return // names and numbers can be said
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	_, _ = w.w.Write(append(text, '\n'))
}
