package config

import (
	"strings"
	"testing"
)

// eventsSecret is one that the specification's page shows.
const eventsSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func events(pairs ...string) map[string]string {
	return merge(map[string]string{"USHER_EVENTS_URL": "https://school.example/usher?token=secret!", "USHER_EVENTS_SECRET": eventsSecret}, pairs...)
}

func TestOthers(t *testing.T) {
	s, err := Load(with(merge(events(), "USHER_FORWARD_URL", "http://127.0.0.1:9/there")))
	want := Settings{
		Tells: true, Events: Events{URL: "https://school.example/usher?token=secret!", Secret: eventsSecret},
		Forwards: true, Forward: Forward{URL: "http://127.0.0.1:9/there", Private: true},
	}
	if err != nil || s.Tells != want.Tells || s.Events != want.Events || s.Forwards != want.Forwards || s.Forward != want.Forward {
		t.Errorf("got %+v, %v", s, err)
	}
	for name, vars := range map[string]map[string]string{
		"http to this machine":      events("USHER_EVENTS_URL", "http://localhost:8080/x"),
		"the longest key":           events("USHER_EVENTS_SECRET", "whsec_"+strings.Repeat("AAEC", 21)+"AA=="),
		"http in a private network": {"USHER_FORWARD_URL": "http://other:8080/x", "USHER_FORWARD_PRIVATE": "true"},
	} {
		if _, err := Load(with(vars)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWrongOthers(t *testing.T) {
	for _, c := range []struct {
		name, wrong string
		vars        map[string]string
	}{
		{"half the pair", "USHER_EVENTS_SECRET", map[string]string{"USHER_EVENTS_URL": "https://a.example"}},
		{"the other half", "USHER_EVENTS_URL", map[string]string{"USHER_EVENTS_SECRET": eventsSecret}},
		{"no scheme", "USHER_EVENTS_URL", events("USHER_EVENTS_URL", "secret!.example/x")},
		{"http", "USHER_EVENTS_URL", events("USHER_EVENTS_URL", "http://secret!.example/x")},
		{"http in capitals", "USHER_EVENTS_URL", events("USHER_EVENTS_URL", "HTTP://a.example/secret!")},
		{"a password", "USHER_EVENTS_URL", events("USHER_EVENTS_URL", "https://u:secret!@a.example/x")},
		{"a fragment", "USHER_EVENTS_URL", events("USHER_EVENTS_URL", "https://a.example/x#secret!")},
		{"no prefix", "USHER_EVENTS_SECRET", events("USHER_EVENTS_SECRET", strings.TrimPrefix(eventsSecret, "whsec_"))},
		{"no base64", "USHER_EVENTS_SECRET", events("USHER_EVENTS_SECRET", "whsec_secret!")},
		{"base64 of URLs", "USHER_EVENTS_SECRET", events("USHER_EVENTS_SECRET", "whsec_"+strings.Repeat("-_aB", 10))},
		{"a short key", "USHER_EVENTS_SECRET", events("USHER_EVENTS_SECRET", "whsec_c2VjcmV0IQ==")},
		{"a long key", "USHER_EVENTS_SECRET", events("USHER_EVENTS_SECRET", "whsec_"+strings.Repeat("AAEC", 22))},
		{"quotes", "USHER_EVENTS_URL", events("USHER_EVENTS_URL", `"https://a.example/secret!"`)},
		{"forward in the clear", "USHER_FORWARD_URL", map[string]string{"USHER_FORWARD_URL": "http://10.0.0.1/secret!"}},
		{"forward elsewhere", "USHER_FORWARD_URL", map[string]string{"USHER_FORWARD_URL": "mailto:secret!@a.example"}},
		{"neither true nor false", "USHER_FORWARD_PRIVATE", map[string]string{"USHER_FORWARD_PRIVATE": "yes"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Load(with(c.vars))
			checkWrong(t, err, c.wrong)
		})
	}
}

// In the cloud only those who tell and forward look at where to: a wrong address stops
// neither Vonage's callback nor the end of a lesson.
func TestOthersInTheCloud(t *testing.T) {
	vars := merge(opentok, "USHER_API_SECRET", longSecret, "USHER_EVENTS_URL", "nowhere", "USHER_FORWARD_URL", "http://127.0.0.1/x")
	for part, want := range map[Part]CloudSettings{
		Callback: {Settings: Settings{Forwards: true}}, API: {Settings: Settings{Tells: true}}, Work: {}, Queues: {},
	} {
		s, err := Cloud(with(vars), nil, part)
		if err != nil || s.Forwards != want.Forwards || s.Tells != want.Tells || s.Events != want.Events || s.Forward != want.Forward {
			t.Errorf("part %d: %+v, %v", part, s, err)
		}
	}
	_, err := Cloud(with(vars), nil, Telling)
	checkWrong(t, err, "USHER_EVENTS_URL USHER_EVENTS_SECRET")
	_, err = Cloud(with(vars), nil, Forwarding)
	checkWrong(t, err, "USHER_FORWARD_URL")
	s, err := Cloud(with(map[string]string{"USHER_FORWARD_URL": "https://a.example/x"}), nil, Forwarding)
	if err != nil || s.Forward != (Forward{URL: "https://a.example/x"}) {
		t.Errorf("%+v, %v", s.Forward, err)
	}
}
