package doorkeeper_test

import (
	"log/slog"
	"strings"
	"testing"

	"usher/pkg/doorkeeper"
	"usher/pkg/lesson"
)

const applicationID = "4bc7f2a0-6d1e-4f83-9a25-0c8b7e6d5f41"

// hears gives the service of a project with a room over the session 1_lesson,
// and what its log says.
func hears(t *testing.T, project string) (*doorkeeper.Service, *record) {
	t.Helper()
	b := &bubble{log: &record{}}
	b.Service = doorkeeper.NewService(openBolt(t), &stuck{}, b, doorkeeper.Settings{
		Project: project, Now: clockNow, NewID: func() string { return "id" }, Log: slog.New(slog.NewTextHandler(b.log, nil)),
	})
	b.put(t, `{}`, "1_lesson")
	return b.Service, b.log
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
			s, _ := hears(t, c.ours)
			e := (&bubble{}).came("1_lesson", "A")
			e.Project, e.Application = c.project, c.application
			if err := s.Hear(t.Context(), e); err != nil {
				t.Fatal(err)
			}
			if strangers := s.Strangers(); (strangers == 0) != c.heard {
				t.Errorf("%d events of others", strangers)
			}
			page, err := s.Connections(t.Context(), "lesson", "", 10)
			if err != nil || (len(page.Connections) == 1) != c.heard {
				t.Errorf("%d connections, %v", len(page.Connections), err)
			}
		})
	}
}

// A callback set at the wrong project is a mistake that nobody sees: people
// come and nothing happens. So the first such event is told aloud.
func TestTheFirstEventOfAnotherProjectIsAWarning(t *testing.T) {
	s, log := hears(t, "47000001")
	hear := func(project, session string) {
		t.Helper()
		if err := s.Hear(t.Context(), lesson.Event{Name: "e", Session: session, Project: project, Digest: project + session}); err != nil {
			t.Fatal(err)
		}
	}
	hear("47000001", "1_unknown")
	hear("", "1_unknown")
	if log.has("WARN") {
		t.Errorf("an unknown session of ours is a warning: %s", log.text.String())
	}
	hear("47000002", "1_lesson")
	if !log.has("WARN") || !log.has("47000001") || !log.has("47000002") {
		t.Errorf("the log says %s", log.text.String())
	}
	hear("47000003", "1_lesson")
	if log.has("47000003") {
		t.Errorf("the second event is a warning too: %s", log.text.String())
	}
}

// No store takes such a session as a key, and none of ours is that long.
func TestAnEndlessSessionIsNotOurs(t *testing.T) {
	s, _ := hears(t, "47000001")
	if err := s.Hear(t.Context(), lesson.Event{Name: "e", Session: strings.Repeat("x", 40_000), Digest: "d"}); err != nil || s.Strangers() != 1 {
		t.Errorf("%d events of others, %v", s.Strangers(), err)
	}
}
