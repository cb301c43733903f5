package simulation

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

// Bounds of a policy: a list takes 500 users of 128 bytes (CONTRACT's numbers, in
// docs/openapi.yaml).
const (
	longestList  = 500
	longPolicies = 30
)

// TestLongLists says that the longest lists that there are can be put on a running
// lesson one after the other: each is in force at once and is a line of the log, and the
// lesson stays as small as it has to be.
func TestLongLists(t *testing.T, store room.Store) {
	w := NewWorld(store)
	const session = "1_MX40NjkyMDM0MX5-lists"
	put := func(text, session string) {
		t.Helper()
		if err := w.Put("lists", text, session); err != nil {
			t.Fatal(err)
		}
	}
	put(`{"quorum":1}`, session)
	for _, user := range []string{"ann", "bob"} {
		w.Platform.Come(session, "c-"+user, user)
		w.Pass(time.Second)
	}
	for i := range longPolicies {
		put(listOf(i, "ann", "bob"), "")
		w.Pass(100 * time.Millisecond)
	}
	put(listOf(longPolicies, "ann"), "")
	w.Pass(10 * time.Second)
	if err := w.Agree(session); err != nil {
		t.Error(err)
	}
	l, lines, err := w.Log(session)
	if err != nil {
		t.Fatal(err)
	}
	said := 0
	for _, line := range lines {
		if line.Action == journal.DidPolicy {
			said++
		}
	}
	if in := w.Platform.In(session); len(in) != 1 || in[0] != "c-ann" || said != longPolicies+2 {
		t.Errorf("in are %v, and %d policies were told, want c-ann alone and %d", in, said, longPolicies+2)
	}
	if l.Size() > lesson.FullSize || !l.Policy.Admits("ann") || l.Policy.Admits("bob") {
		t.Errorf("the lesson takes %d bytes", l.Size())
	}
}

// listOf is a policy with a list as long as may be, of these users and others.
func listOf(nth int, users ...string) string {
	names := make([]string, longestList)
	for i := range names {
		names[i] = fmt.Sprintf("%q", fmt.Sprintf("%04d-%04d-%s", nth, i, strings.Repeat("u", 118)))
	}
	for i, user := range users {
		names[i] = fmt.Sprintf("%q", user)
	}
	return `{"quorum":1,"allowedUsers":[` + strings.Join(names, ",") + `]}`
}
