package local

import (
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"usher/pkg/api"
	"usher/pkg/checkup"
	"usher/pkg/doctor"
)

// TestDoctor: a program that was just started is well, and nothing of the examination
// stays.
func TestDoctor(t *testing.T) {
	r := start(t, settings(t, filepath.Join(t.TempDir(), "usher.db")))
	p := doctor.Patient{URL: r.URL(), Token: api.AdminToken(r.settings.APISecret, time.Now(), time.Hour), HTTP: http.DefaultClient, Now: time.Now}
	var lines []doctor.Line
	r.until("all is well", func() bool {
		lines = p.Examine(t.Context())
		for _, l := range lines {
			if !l.OK {
				t.Logf("%+v", l)
				return false
			}
		}
		return true
	})
	if len(lines) < 12 {
		t.Errorf("%d lines: %+v", len(lines), lines)
	}
	if _, all := r.admin("GET", "/v1/rooms", ""); len(all["rooms"].([]any)) != 2 {
		t.Errorf("the rooms are %v", all["rooms"])
	}
	marks, err := r.file.Marks(t.Context())
	if err != nil || marks[checkup.SweepMark] == 0 || marks[checkup.CallbackMark] != 0 {
		t.Errorf("the marks are %v, %v: the examination's own callback is none of Vonage's", marks, err)
	}
}
