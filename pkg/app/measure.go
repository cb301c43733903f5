package app

import (
	"context"
	"io"
	"log/slog"

	"usher/pkg/config"
	"usher/pkg/emf"
	"usher/pkg/metric"
)

// measured has the metrics written to w, where the settings name a namespace for them.
func (c *Cloud) measured(w io.Writer) *Cloud {
	if namespace := config.MetricsNamespace(c.aws.lookup); namespace != "" {
		c.metrics = emf.New(w, namespace, c.time)
	}
	return c
}

// measureSweep says that the sweep ran, for the alarm that rings where it does not. The zeros
// are for an alarm that compares the two: it has both also where nothing happens.
func (c *Cloud) measureSweep() {
	c.metrics.Record(metric.Sweeps, "", 1)
	c.metrics.Record(metric.Unheard, "", 0)
	c.metrics.Record(metric.Webhooks, metric.Heard, 0)
}

// withRequest adds the id of the call to what is logged in it.
type withRequest struct {
	slog.Handler
	id func(context.Context) string
}

func (h withRequest) Handle(ctx context.Context, r slog.Record) error {
	if id := h.id(ctx); id != "" {
		r.AddAttrs(slog.String("requestId", id))
	}
	return h.Handler.Handle(ctx, r)
}

func (h withRequest) WithAttrs(attrs []slog.Attr) slog.Handler {
	return withRequest{h.Handler.WithAttrs(attrs), h.id}
}

func (h withRequest) WithGroup(name string) slog.Handler {
	return withRequest{h.Handler.WithGroup(name), h.id}
}
