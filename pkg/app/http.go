package app

import (
	"net/http"
	"sync"

	"usher/pkg/api"
	"usher/pkg/config"
	"usher/pkg/metric"
	"usher/pkg/version"
	"usher/pkg/vonage"
	"usher/pkg/web"
)

// Webhook answers Vonage's callback.
func (c *Cloud) Webhook() http.Handler {
	return c.handler(config.Callback, whole, func(j *joined) http.Handler {
		o := api.WebhookOptions{
			Service:       j.service,
			Decode:        vonage.Decode,
			ErrIncomplete: vonage.ErrIncomplete,
			Heard:         j.heard.Record,
			Sources:       j.settings.CallbackSources,
			Now:           c.time,
			Log:           c.log,
			Metrics:       c.metrics,
		}
		if j.settings.Forwards {
			o.Keep = c.queues().Keep
		}
		if p := j.settings.Platform; p.SignatureSecret != "" {
			o.Verifier = vonage.NewVerifier(p.SignatureSecret, c.now, p.PreviousSignatureSecret)
		}
		return api.Webhook(o)
	})
}

// script is the platform's own, for pages in a browser.
const script = "https://static.opentok.com/v2/js/opentok.min.js"

// Rooms answers everything but the callback: the JSON API and the pages. A checkup asks
// confirmed who hears of alarms.
func (c *Cloud) Rooms(confirmed Confirmed) http.Handler {
	return c.handler(config.API, narrow, func(j *joined) http.Handler {
		return api.New(api.Options{
			Service:      j.service,
			APISecret:    j.settings.APISecret,
			TicketSecret: j.settings.TicketSecret,
			EitherTicket: j.secrets.madeTicket,
			Previous:     api.Previous{APISecret: j.settings.PreviousAPISecret, TicketSecret: j.settings.PreviousTicketSecret},
			Origins:      j.settings.Origins,
			Checkup:      c.checkup(j, confirmed).Run,
			Now:          c.time,
			Version:      version.Of(),
			Log:          c.log,
			Pages: web.New(web.Options{
				Service:   j.service,
				ScriptURL: script,
				Secure:    true,
				Log:       c.log,
			}),
		})
	})
}

// handler makes the handler when the doorkeeper is there. While it is not, the
// answer is 503: the caller tries again.
func (c *Cloud) handler(use config.Part, as view, build func(*joined) http.Handler) http.Handler {
	var mu sync.Mutex
	var of *joined
	var made http.Handler
	serving := func(j *joined) http.Handler {
		mu.Lock()
		defer mu.Unlock()
		if j != of {
			of, made = j, build(j)
		}
		return made
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		j, err := c.join(r.Context(), use, as)
		if err != nil {
			c.log.ErrorContext(r.Context(), "not ready", "error", err)
			if use == config.Callback {
				c.metrics.Record(metric.Webhooks, metric.Unanswered, 1)
			}
			unavailable(w)
			return
		}
		serving(j).ServeHTTP(w, r)
	})
}

func unavailable(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Retry-After", "5")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = w.Write([]byte(`{"type":"about:blank","title":"Service Unavailable","status":503,"code":"unavailable","detail":"The service is not ready. Try again."}`))
}
