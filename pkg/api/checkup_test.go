package api

import (
	"context"
	"strings"
	"testing"

	"usher/pkg/checkup"
)

func TestCheckup(t *testing.T) {
	looked := 0
	d := newDesk(t, func(o *Options) {
		o.Version = "1.2.3"
		o.Checkup = func(context.Context) []checkup.Finding {
			looked++
			return []checkup.Finding{{Name: "sweep", OK: true, Detail: "It ran."}}
		}
	})
	w := d.ask("POST", "/v1/checkup", "")
	answered(t, w, 200)
	want := `{"version":"1.2.3","now":"2026-12-01T12:00:00.000Z","checks":[{"name":"sweep","ok":true,"detail":"It ran."}]}` + "\n"
	if got := w.Body.String(); got != want {
		t.Errorf("answered %s, want %s", got, want)
	}
	room := hs256(t, apiSecret, adminClaims(put("room", "maths")))
	refused(t, d.ask("POST", "/v1/checkup", "", bearer(room)), 403, codeWrongRoom)
	refused(t, d.ask("GET", "/v1/checkup", ""), 405, codeMethod)
	if looked != 1 {
		t.Errorf("looked %d times", looked)
	}
}

// Vonage's callbacks are marked, those that a checkup makes up are not, and the answer
// waits for the mark.
func TestCallbacksAreHeardOf(t *testing.T) {
	for body, want := range map[string]int{
		goodEvent: 1,
		`{"sessionId":"1_x","event":"connectionCreated","connectionId":"` + checkup.MadeUp("0123456789abcde") + `"}`: 0,
		`{"event":"connectionCreated"}`: 0,
	} {
		heard := 0
		o := (&ear{}).options(&strings.Builder{})
		o.Heard = func(context.Context) { heard++ }
		post(t, o, "POST", body)
		if heard != want {
			t.Errorf("%s: heard of %d times, want %d", body, heard, want)
		}
	}
	heard := 0
	o := (&ear{}).options(&strings.Builder{})
	o.Heard = func(context.Context) { heard++ }
	post(t, o, "POST", goodEvent, header("Authorization", "Bearer forged"))
	if heard != 0 {
		t.Error("a forged callback is heard of")
	}
}
