package api

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/pkg/epoch"
	"usher/pkg/lesson"
	"usher/pkg/metric"
	"usher/pkg/room"
)

// notes are what was recorded, in order.
type notes []string

func (n *notes) Record(m *metric.Metric, label string, value int64) {
	*n = append(*n, strings.TrimSpace(fmt.Sprintf("%s %d %s", m.Name, value, label)))
}

// TestWebhookIsMeasured: each answer once, and the time of those that were heard.
func TestWebhookIsMeasured(t *testing.T) {
	for name, c := range map[string]struct {
		method, body string
		err          error
		unsigned     bool
		want         notes
		line         string
	}{
		"heard": {
			body: goodEvent, want: notes{"Answered 250", "Webhooks 1 heard"},
			line: "level=INFO msg=request method=POST path=/session-monitoring status=200 ms=0 session=1_x event=connectionCreated connection=c vonageMs=250",
		},
		"refused": {
			body: goodEvent, unsigned: true, want: notes{"Webhooks 1 unauthorized"},
			line: "level=WARN msg=request method=POST path=/session-monitoring status=401 ms=0 code=unauthorized",
		},
		"no JSON":        {body: "{", want: notes{"Webhooks 1 malformed"}, line: "level=INFO msg=request"},
		"another method": {method: "GET", want: notes{"Webhooks 1 malformed"}, line: "level=INFO msg=request"},
		"stored nowhere": {body: goodEvent, err: errInside, want: notes{"Webhooks 1 unanswered"}, line: "level=ERROR msg=request"},
	} {
		t.Run(name, func(t *testing.T) {
			e, log, got := &ear{err: c.err}, &strings.Builder{}, notes{}
			o := e.options(log)
			o.Metrics = &got
			o.Decode = func(body []byte, received epoch.Instant) (lesson.Event, error) {
				event, err := decode(body, received)
				event.Name, event.Connection, event.At = "connectionCreated", "c", received-250
				return event, err
			}
			method, token := "POST", "Bearer good"
			if c.method != "" {
				method = c.method
			}
			if c.unsigned {
				token = ""
			}
			post(t, o, method, c.body, header("Authorization", token))
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
			if !strings.Contains(log.String(), c.line) {
				t.Errorf("the log says %s", log)
			}
		})
	}
}

// TestWebhookIsFoundByItsIDs: the log is searched for what is equal to them. The longest
// of which something is decided have 255 bytes; Vonage's sessions have some seventy.
func TestWebhookIsFoundByItsIDs(t *testing.T) {
	session, connection := strings.Repeat("s", 255), strings.Repeat("c", 255)
	e, log := &ear{}, &strings.Builder{}
	o := e.options(log)
	o.Decode = func(body []byte, received epoch.Instant) (lesson.Event, error) {
		event, err := decode(body, received)
		event.Session, event.Connection = session, connection
		return event, err
	}
	post(t, o, "POST", goodEvent)
	for _, want := range []string{"session=" + session + " ", "connection=" + connection + " "} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log says %s, and not %s", log, want)
		}
	}
}

// TestCallbackNotKeptIsMeasured: the other listener misses it.
func TestCallbackNotKeptIsMeasured(t *testing.T) {
	e, got := &ear{}, notes{}
	o := e.options(&strings.Builder{})
	o.Metrics = &got
	o.Keep = func(context.Context, room.Callback) error { return errInside }
	post(t, o, "POST", goodEvent)
	if len(got) == 0 || got[0] != "Undelivered 1 listener" {
		t.Errorf("recorded %q", got)
	}
}
