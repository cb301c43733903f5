package local

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"usher/pkg/api"
	"usher/pkg/metric"
	"usher/pkg/prom"
)

// scrape reads the metrics as Prometheus does, and gives the value of a series.
func (r *running) scrape() func(series string) float64 {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, "http://"+r.scraped.Addr().String()+metricsPath, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		r.t.Fatalf("%d %s, %v", resp.StatusCode, text, err)
	}
	return func(series string) float64 {
		m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(series) + ` (\S+)$`).FindSubmatch(text)
		if m == nil {
			return 0
		}
		value, err := strconv.ParseFloat(string(m[1]), 64)
		if err != nil {
			r.t.Fatal(err)
		}
		return value
	}
}

// TestMetrics: a small story, and what Prometheus gets to know of it.
func TestMetrics(t *testing.T) {
	t.Parallel()
	r := start(t, settings(t, filepath.Join(t.TempDir(), "usher.db"), "VONAGE_SIGNATURE_SECRET", "signs", "USHER_METRICS_ADDR", "127.0.0.1:0"))
	if status, answer := r.admin("PUT", "/v1/rooms/lesson", `{"maxSeats":2}`); status != 201 {
		t.Fatalf("put: %d %v", status, answer)
	}
	session := r.connect("lesson", "alice")
	r.connect("lesson", "bob")
	r.until("two seated", func() bool { return r.field("lesson", "seats") == 2.0 })
	if _, err := r.simulator.ConnectForeign(session, "mallory", ""); err != nil {
		t.Fatal(err)
	}
	r.until("the stranger is out", func() bool { return len(r.simulator.Connected(session)) == 2 })
	if status, _ := r.call("", "POST", api.WebhookPath, `{"sessionId":"x","event":"connectionCreated"}`); status != 401 {
		t.Errorf("an unsigned callback: %d", status)
	}
	for series, want := range map[string]float64{
		`usher_webhooks_total{result="unauthorized"}`: 1,
		`usher_refusals_total{reason="no-ticket"}`:    1,
		`usher_disconnected_seconds_count`:            1,
		`usher_parked_total`:                          0,
		`usher_strangers_total`:                       0,
	} {
		r.until(series, func() bool { return r.scrape()(series) >= want })
		if got := r.scrape()(series); got != want {
			t.Errorf("%s is %v, want %v", series, got, want)
		}
	}
	r.until("three are heard of", func() bool { return r.scrape()(`usher_webhooks_total{result="heard"}`) >= 3 })
	r.until("the answers are timed", func() bool { return r.scrape()(`usher_answered_seconds_count`) >= 3 })
	r.until("a sweep is counted", func() bool { return r.scrape()(`usher_sweeps_total`) >= 1 })
}

// TestOperationsNameSeries: a rule over a name that nobody writes never rings.
func TestOperationsNameSeries(t *testing.T) {
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, m := range metric.All() {
		known[prom.Name(m)] = true
	}
	names := regexp.MustCompile(`usher_\w+_(?:total|seconds)`).FindAllString(string(text), -1)
	for _, name := range names {
		if !known[name] {
			t.Errorf("there is no %s", name)
		}
	}
	if len(names) < 8 {
		t.Errorf("it names %q", names)
	}
}

// TestMetricsStandApart: they are not served where people come in, nothing else is served
// where they are, and the address is free again when the program has ended.
func TestMetricsStandApart(t *testing.T) {
	t.Parallel()
	r := start(t, settings(t, filepath.Join(t.TempDir(), "usher.db"), "USHER_METRICS_ADDR", "127.0.0.1:0"))
	if status, _ := r.call("", "GET", metricsPath, ""); status != 404 {
		t.Errorf("among the pages: %d", status)
	}
	addr := r.scraped.Addr().String()
	for path, want := range map[string]int{metricsPath: 200, "/healthz": 404, "/": 404} {
		resp, err := http.Get("http://" + addr + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s there: %d", path, resp.StatusCode)
		}
	}
	r.stop()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatalf("the address is not free: %v", err)
	}
	l.Close()
}

// TestMetricsAddressTaken: the start says which setting it is.
func TestMetricsAddressTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = New(t.Context(), settings(t, filepath.Join(t.TempDir(), "usher.db"), "USHER_METRICS_ADDR", l.Addr().String()), slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "USHER_METRICS_ADDR") {
		t.Errorf("started on a taken address: %v", err)
	}
}
