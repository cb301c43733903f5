package prom

import (
	"net/http/httptest"
	"strings"
	"testing"

	"usher/pkg/metric"
)

func scrape(m *Metrics) string {
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

func TestSums(t *testing.T) {
	m := New()
	m.Record(metric.Webhooks, metric.Heard, 1)
	m.Record(metric.Webhooks, metric.Heard, 1)
	m.Record(metric.Webhooks, metric.Unauthorized, 1)
	m.Record(metric.EndLate, "", 54)
	m.Record(metric.EndLate, "", -3) // clocks differ
	text := scrape(m)
	for _, line := range []string{
		`usher_webhooks_total{result="heard"} 2`,
		`usher_webhooks_total{result="unauthorized"} 1`,
		`usher_webhooks_total{result="unanswered"} 0`,
		`usher_parked_total 0`,
		`usher_end_late_seconds_bucket{le="0.05"} 1`,
		`usher_end_late_seconds_bucket{le="0.1"} 2`,
		`usher_end_late_seconds_sum 0.054`,
		`usher_end_late_seconds_count 2`,
		`# TYPE usher_end_late_seconds histogram`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no %s in\n%s", line, text)
		}
	}
	if !strings.Contains(text, "go_goroutines ") {
		t.Error("nothing of the runtime")
	}
}

// TestTakesAll: a metric that one recorder does not know would end the program.
func TestTakesAll(t *testing.T) {
	m := New()
	for _, each := range metric.All() {
		m.Record(each, "word", 1)
		if !strings.Contains(scrape(m), "# HELP "+Name(each)+" ") {
			t.Errorf("no %s", Name(each))
		}
	}
}
