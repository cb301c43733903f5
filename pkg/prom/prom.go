// Package prom sums metrics up in memory and shows them to Prometheus. It serves one
// process: a function of the cloud, which many processes run, has package emf.
package prom

import (
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"usher/pkg/metric"
)

// buckets are upper bounds of durations, in seconds: what is promised is a second.
var buckets = []float64{0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 600}

// Metrics are the sums. They are safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	counts   map[*metric.Metric]*prometheus.CounterVec
	times    map[*metric.Metric]*prometheus.HistogramVec
}

// New makes sums of everything that is measured, and of the Go runtime and the process.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		counts:   map[*metric.Metric]*prometheus.CounterVec{},
		times:    map[*metric.Metric]*prometheus.HistogramVec{},
	}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, each := range metric.All() {
		m.add(each)
	}
	return m
}

func (m *Metrics) add(each *metric.Metric) {
	var labels []string
	if each.Label != "" {
		labels = []string{snake(each.Label)}
	}
	if each.Unit == metric.Milliseconds {
		m.times[each] = prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: Name(each), Help: each.Help, Buckets: buckets}, labels)
		m.registry.MustRegister(m.times[each])
		return
	}
	m.counts[each] = prometheus.NewCounterVec(prometheus.CounterOpts{Name: Name(each), Help: each.Help}, labels)
	m.registry.MustRegister(m.counts[each])
	// Series are there from the start, at 0, so that a first value is a rise.
	if labels == nil {
		m.counts[each].WithLabelValues()
	}
	for _, value := range each.Values {
		m.counts[each].WithLabelValues(value)
	}
}

// Name is what Prometheus calls the metric: times are in seconds there.
func Name(m *metric.Metric) string {
	if m.Unit == metric.Milliseconds {
		return "usher_" + snake(m.Name) + "_seconds"
	}
	return "usher_" + snake(m.Name) + "_total"
}

// snake writes a name in small letters, its words apart.
func snake(name string) string {
	var b strings.Builder
	for i, r := range name {
		if i > 0 && unicode.IsUpper(r) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// Record adds the value. A time below zero, by clocks that differ, counts as none.
func (m *Metrics) Record(of *metric.Metric, label string, value int64) {
	var labels []string
	if of.Label != "" {
		labels = []string{label}
	}
	value = max(value, 0)
	if times, ok := m.times[of]; ok {
		times.WithLabelValues(labels...).Observe((time.Duration(value) * time.Millisecond).Seconds())
		return
	}
	m.counts[of].WithLabelValues(labels...).Add(float64(value))
}

// Handler answers a scrape, whatever its path.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
