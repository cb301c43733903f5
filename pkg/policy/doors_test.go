package policy

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func parsed(t *testing.T, raw string) Policy {
	t.Helper()
	p, err := Parse([]byte(raw))
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return p
}

func TestAdmits(t *testing.T) {
	const composed, decomposed = "Zo\u00eb", "Zoe\u0308"
	tests := []struct {
		name, raw string
		in, out   []string
	}{
		{"no list", `{}`, []string{"alice", ""}, nil},
		{"null", `{"allowedUsers":null}`, []string{"alice", ""}, nil},
		{"empty", `{"allowedUsers":[]}`, nil, []string{"alice", ""}},
		{"two", `{"allowedUsers":["alice","bob"]}`, []string{"alice", "bob"}, []string{"", "Alice", "alice ", "carol"}},
		{"byte for byte", `{"allowedUsers":["` + composed + `"]}`, []string{composed}, []string{decomposed, "Zoe"}},
		{"escaped", `{"allowedUsers":["\u0061<"]}`, []string{"a<"}, []string{`\u0061<`, `a\u003c`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			// A store gives the policy back with the same list.
			for _, p := range []Policy{parsed(t, tt.raw), Stored(parsed(t, tt.raw).String())} {
				for _, user := range append(slices.Clone(tt.in), tt.out...) {
					if got, want := p.Admits(user), slices.Contains(tt.in, user); got != want {
						t.Errorf("%s admits %q: %v", p, user, got)
					}
				}
			}
		})
	}
}

func TestSeatsOf(t *testing.T) {
	p := parsed(t, `{"maxSeats":20,"maxByRole":{"teacher":1,"student":10,"":2}}`)
	for role, want := range map[string]int{"teacher": 1, "student": 10, "": 2, "Teacher": 0, "guest": 0} {
		if got := p.SeatsOf(role); got != want {
			t.Errorf("%q: %d, want %d", role, got, want)
		}
	}
	if got := p.CappedRoles(); !slices.Equal(got, []string{"", "student", "teacher"}) {
		t.Errorf("capped are %q", got)
	}
}

func TestRolesOfAList(t *testing.T) {
	observers, moderators := parsed(t, `{"observers":["recorder"]}`), parsed(t, `{"moderators":["recorder"]}`)
	for role, want := range map[string]bool{"recorder": true, "Recorder": false, "": false, "teacher": false} {
		if observers.Observes(role) != want || moderators.Moderates(role) != want {
			t.Errorf("%q observes: %v, moderates: %v", role, observers.Observes(role), moderators.Moderates(role))
		}
		if observers.Moderates(role) || moderators.Observes(role) {
			t.Errorf("%q: one list is taken for the other", role)
		}
	}
	if nameless := parsed(t, `{"observers":[""],"moderators":[""]}`); !nameless.Observes("") || !nameless.Moderates("") {
		t.Error("those without a role cannot be named")
	}
}

func TestMayPublish(t *testing.T) {
	tests := []struct {
		name, raw, role string
		want            []Kind
	}{
		{"no rule", `{}`, "student", []Kind{Camera, Screen, Custom, Audio}},
		{"a kind not named is free", `{"publish":{"camera":["teacher"]}}`, "student", []Kind{Screen, Custom, Audio}},
		{"named for the role", `{"publish":{"camera":["teacher"]}}`, "teacher", []Kind{Camera, Screen, Custom, Audio}},
		{"screen governs custom", `{"publish":{"screen":["advisor"]}}`, "client", []Kind{Camera, Audio}},
		{"for those who may too", `{"publish":{"screen":["advisor"]}}`, "advisor", []Kind{Camera, Screen, Custom, Audio}},
		{"custom is named", `{"publish":{"screen":["advisor"],"custom":["client"]}}`, "client", []Kind{Camera, Custom, Audio}},
		{"and not for the others", `{"publish":{"screen":["advisor"],"custom":["client"]}}`, "advisor", []Kind{Camera, Screen, Audio}},
		{"custom governs no screen", `{"publish":{"custom":[]}}`, "client", []Kind{Camera, Screen, Audio}},
		{"nobody", `{"publish":{"screen":[]}}`, "advisor", []Kind{Camera, Audio}},
		{"without a role", `{"publish":{"camera":[""],"audio":["teacher"]}}`, "", []Kind{Camera, Screen, Custom}},
		{"three of the four", `{"publish":{"camera":[],"screen":[],"audio":[]}}`, "student", nil},
		{"all but custom", `{"publish":{"camera":[],"screen":[],"audio":[],"custom":["student"]}}`, "student", []Kind{Custom}},
		{"all but audio", `{"publish":{"camera":[],"screen":[]}}`, "student", []Kind{Audio}},
		{"all four", `{"publish":{"camera":["teacher"],"screen":["teacher"],"custom":["teacher"],"audio":["teacher"]}}`, "student", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := parsed(t, tt.raw)
			for _, kind := range []Kind{Camera, Screen, Custom, Audio} {
				if got := p.MayPublish(tt.role, kind); got != slices.Contains(tt.want, kind) {
					t.Errorf("%s: %v", kind, got)
				}
			}
			if p.PublishesNothing(tt.role) != (len(tt.want) == 0) {
				t.Errorf("publishes nothing: %v", p.PublishesNothing(tt.role))
			}
		})
	}
}

func TestSecondsOfTheDoors(t *testing.T) {
	for raw, want := range map[string]time.Duration{"null": 5 * time.Second, "0": 0, "1": time.Second, "3600": time.Hour} {
		if got := parsed(t, fmt.Sprintf(`{"unpublishGraceSeconds":%s}`, raw)).UnpublishGrace(); got != want {
			t.Errorf("a grace of %s is %s, want %s", raw, got, want)
		}
	}
	for raw, want := range map[string]time.Duration{"null": 0, "0": 0, "7776000": 90 * 24 * time.Hour} {
		if got := parsed(t, fmt.Sprintf(`{"rejoinSeconds":%s}`, raw)).RejoinAfter(); got != want {
			t.Errorf("back after %s is %s, want %s", raw, got, want)
		}
	}
}
