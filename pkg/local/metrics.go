package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"usher/pkg/metric"
	"usher/pkg/prom"
)

// metricsPath is where Prometheus looks unless it is told otherwise.
const metricsPath = "/metrics"

// measure listens for Prometheus, where the settings name an address for it.
func (l *Local) measure(ctx context.Context) error {
	l.metrics = metric.Nobody{}
	if l.settings.Metrics == "" {
		return nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", l.settings.Metrics)
	if err != nil {
		return fmt.Errorf("USHER_METRICS_ADDR is %q, where this program cannot listen: %w", l.settings.Metrics, err)
	}
	sums := prom.New()
	mux := http.NewServeMux()
	mux.Handle("GET "+metricsPath, sums.Handler())
	l.metrics, l.scraped = sums, listener
	l.scrapes = &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(l.log.Handler(), slog.LevelDebug),
	}
	return nil
}

// serveMetrics answers Prometheus until the program ends.
func (l *Local) serveMetrics(ctx context.Context) {
	if l.scrapes == nil {
		return
	}
	stop := context.AfterFunc(ctx, func() { _ = l.scrapes.Close() }) // a scrape is nothing to wait for
	defer stop()
	if err := l.scrapes.Serve(l.scraped); !errors.Is(err, http.ErrServerClosed) {
		l.report(ctx, "metrics are not served any more", err)
	}
}

// closeMetrics lets go of the address, also where nothing was ever served.
func (l *Local) closeMetrics() error {
	if l.scraped == nil {
		return nil
	}
	if err := l.scraped.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
