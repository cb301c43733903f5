package doorkeeper_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"usher/pkg/doorkeeper"
	"usher/pkg/journal"
	"usher/pkg/lesson"
)

const applicationID = "4bc7f2a0-6d1e-4f83-9a25-0c8b7e6d5f41"

// hears gives a room of that project over the session 1_adopted, and what its log
// says.
func hears(t *testing.T, project string) (*door, *bytes.Buffer) {
	t.Helper()
	d := adopted(t, `{}`)
	var log bytes.Buffer
	d.Settings = func(set *doorkeeper.Settings) {
		set.Project, set.Log = project, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	d.Restart()
	return d, &log
}

func TestWhoseProjectAnEventIsOf(t *testing.T) {
	cases := []struct {
		name, ours, project, application string
		heard                            bool
	}{
		{"none named", "47000001", "", "", true},
		{"a key", "47000001", "47000001", "", true},
		{"a key with a point", "47000001", "47000001.0", "", true},
		{"a key with an exponent", "47000001", "4.7000001E7", "", true},
		{"a key under the other name", "47000001", "", "47000001", true},
		{"another key", "47000001", "47000002", "", false},
		{"a key with a fraction", "47000001", "47000001.5", "", false},
		{"a key in letters", "47000001", "x", "", false},
		{"no number", "47000001", "NaN", "", false},

		{"an application", applicationID, applicationID, "", true},
		{"an application in capitals", applicationID, strings.ToUpper(applicationID), "", true},
		{"ours in capitals", strings.ToUpper(applicationID), "", applicationID, true},
		{"another application", applicationID, "", "0" + applicationID[1:], false},

		{"ours and another", applicationID, "47000001", applicationID, true},
		{"another and ours", "47000001", "47000001", applicationID, true},
		{"two others", "47000001", "47000002", applicationID, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d, log := hears(t, c.ours)
			e := lesson.Event{
				Name: journal.ConnectionCreated, Session: d.session, At: d.Now(), Connection: "A", ConnectedAt: d.Now(),
				Project: c.project, Application: c.application,
			}
			if err := d.Hear(e); err != nil {
				t.Fatal(err)
			}
			if counted := strings.Contains(log.String(), "count=1"); counted == c.heard {
				t.Errorf("the log says %s", log)
			}
			page, err := d.Service.Connections(t.Context(), "lesson", "", 10)
			if err != nil || (len(page.Connections) == 1) != c.heard {
				t.Errorf("%d connections, %v", len(page.Connections), err)
			}
		})
	}
}

// A callback set at the wrong project is a mistake that nobody sees: people
// come and nothing happens. So the first such event is told aloud.
func TestTheFirstEventOfAnotherProjectIsAWarning(t *testing.T) {
	d, log := hears(t, "47000001")
	hear := func(project, session string) {
		t.Helper()
		if err := d.Hear(lesson.Event{Name: "e", Session: session, Project: project, Digest: project + session}); err != nil {
			t.Fatal(err)
		}
	}
	hear("47000001", "1_unknown")
	hear("", "1_unknown")
	if strings.Contains(log.String(), "WARN") {
		t.Errorf("an unknown session of ours is a warning: %s", log.String())
	}
	hear("47000002", d.session)
	if !strings.Contains(log.String(), "WARN") || !strings.Contains(log.String(), "47000001") || !strings.Contains(log.String(), "47000002") {
		t.Errorf("the log says %s", log.String())
	}
	hear("47000003", d.session)
	if strings.Contains(log.String(), "47000003") {
		t.Errorf("the second event is a warning too: %s", log.String())
	}
}

// No store takes such a session as a key, and none of ours is that long.
func TestAnEndlessSessionIsNotOurs(t *testing.T) {
	d, log := hears(t, "47000001")
	err := d.Hear(lesson.Event{Name: "e", Session: strings.Repeat("x", 40_000), Digest: "d"})
	if err != nil || !strings.Contains(log.String(), "count=1") {
		t.Errorf("%v, and the log says %s", err, log)
	}
}
