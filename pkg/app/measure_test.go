package app

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"usher/pkg/metric"
)

// TestRequestIDs: what is logged in a call has its id, also by a logger made of another.
func TestRequestIDs(t *testing.T) {
	type key struct{}
	call := context.WithValue(t.Context(), key{}, "8a1b")
	var out bytes.Buffer
	log := slog.New(withRequest{slog.NewJSONHandler(&out, nil), func(ctx context.Context) string {
		id, _ := ctx.Value(key{}).(string)
		return id
	}})
	for name, c := range map[string]struct {
		log  *slog.Logger
		ctx  context.Context
		want any
	}{
		"in a call":      {log, call, "8a1b"},
		"in none":        {log, t.Context(), nil},
		"another logger": {log.With("a", 1), call, "8a1b"},
	} {
		out.Reset()
		c.log.InfoContext(c.ctx, "hello")
		var line map[string]any
		if err := json.Unmarshal(out.Bytes(), &line); err != nil || line["requestId"] != c.want {
			t.Errorf("%s: %s, %v", name, &out, err)
		}
	}
}

// TestMeasuredWhereNamed: without a namespace nothing is written, for a line that nobody
// reads is paid for too.
func TestMeasuredWhereNamed(t *testing.T) {
	for namespace, written := range map[string]bool{"": false, " ": false, "Usher/test": true} {
		var out bytes.Buffer
		lookup := func(name string) (string, bool) { return namespace, name == "USHER_METRICS_NAMESPACE" }
		newCloud(lookup, slog.New(slog.DiscardHandler), time.Now).measured(&out).metrics.Record(metric.Parked, "", 1)
		if (out.Len() > 0) != written {
			t.Errorf("in namespace %q: %s", namespace, &out)
		}
	}
}
