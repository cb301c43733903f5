//go:build verify

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"usher/pkg/api"
)

const (
	description = "docs/openapi.yaml"
	fuzzSecret  = "a secret of 32 bytes for the fuzzer only"
)

// TestAnswersAreAsDescribed lets a fuzzer of other people's, schemathesis, try
// the program with rooms in use: what the description allows is taken, what it
// forbids is refused, every answer is as described, and none is a 5xx. Its seed
// and the number of its cases are fixed.
func TestAnswersAreAsDescribed(t *testing.T) {
	p := launch(t, "USHER_API_SECRET="+fuzzSecret)
	fuzzing := exec.CommandContext(t.Context(), fuzzer(t), "--config-file", fuzzConfig(t, p),
		"run", absolute(t, description), "--url", p.url, "--checks", "all", "--no-color")
	fuzzing.Dir = t.TempDir()
	out, err := fuzzing.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Errorf("what it found stands above: %v", err)
	}
	_ = p.Process.Kill()
	_ = p.Wait()
	for _, operation := range unanswered(t, p.log.String()) {
		t.Errorf("%s never succeeded, so its answer was not tried", operation)
	}
	for line := range strings.Lines(p.log.String()) {
		if t.Failed() && !strings.Contains(line, " level=INFO ") {
			t.Log("the program: ", line)
		}
	}
}

// fuzzer is where the installation of schemathesis has put it.
func fuzzer(t *testing.T) string {
	t.Helper()
	path := filepath.Join(os.Getenv("USHER_VERIFY"), "schemathesis", "bin", "schemathesis")
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("schemathesis is not installed where USHER_VERIFY says: use make verify (%v)", err)
	}
	return path
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// fuzzConfig makes the rooms and writes the fuzzer's configuration for them.
func fuzzConfig(t *testing.T, p *started) (path string) {
	t.Helper()
	session := p.use(t, "lesson")
	p.use(t, "extended")
	p.use(t, "ended")
	p.use(t, "emptied")
	p.use(t, "deleted")
	values := map[string]string{
		"ADMIN":   api.AdminToken([]byte(fuzzSecret), time.Now(), 24*time.Hour),
		"TICKET":  api.Ticket([]byte(fuzzSecret), "lesson", "dave", "", time.Now(), 24*time.Hour),
		"SESSION": session,
		"PEOPLE":  strings.Join(p.people(t, "emptied"), ","),
		"SOON":    time.Now().Add(2 * time.Hour).UTC().Format(time.RFC3339),
	}
	raw, err := os.ReadFile("testdata/schemathesis/schemathesis.toml")
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "schemathesis.toml")
	text := os.Expand(string(raw), func(name string) string { return values[name] })
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// use makes a room in which a lesson runs: three people are in and publish, and
// a fourth, who had no ticket, was refused.
func (p *started) use(t *testing.T, room string) (session string) {
	t.Helper()
	p.must(t, "PUT", "/v1/rooms/"+room, `{"maxSeats":8,"lessonSeconds":3600}`, nil)
	for _, user := range []string{"alice", "bob", "carol"} {
		var joined struct{ SessionID, Token string }
		admin := p.token
		p.token = api.Ticket([]byte(fuzzSecret), room, user, "", time.Now(), time.Minute)
		p.must(t, "POST", "/v1/rooms/"+room+"/join", "", &joined)
		p.token = admin
		session = "/simulator/control/sessions/" + joined.SessionID
		var came struct{ ConnectionID string }
		p.must(t, "POST", session+"/connections", fmt.Sprintf(`{"token":%q}`, joined.Token), &came)
		p.must(t, "POST", session+"/connections/"+came.ConnectionID+"/streams", `{"kind":"camera"}`, nil)
	}
	p.must(t, "POST", session+"/connections", `{"data":"mallory"}`, nil)
	return p.until(t, room, func(r api.Room) bool { return r.Status == "running" && len(r.Connections) == 3 })
}

// until asks for the room until it is as it should be, and gives its session.
func (p *started) until(t *testing.T, room string, ok func(api.Room) bool) (session string) {
	t.Helper()
	for limit := time.Now().Add(time.Minute); ; {
		var seen api.Room
		p.must(t, "GET", "/v1/rooms/"+room, "", &seen)
		switch {
		case ok(seen):
			return *seen.SessionID
		case time.Now().After(limit):
			t.Fatalf("the room %s is still %+v", room, seen)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// people are the ids of who is in, quoted.
func (p *started) people(t *testing.T, room string) (ids []string) {
	t.Helper()
	var seen api.Room
	p.must(t, "GET", "/v1/rooms/"+room, "", &seen)
	for _, c := range seen.Connections {
		ids = append(ids, fmt.Sprintf("%q", c.ID))
	}
	return ids
}

// must asks for something that succeeds, and reads the answer into v.
func (p *started) must(t *testing.T, method, path, body string, v any) {
	t.Helper()
	status, answer := p.call(t, method, path, body)
	if status >= 300 {
		t.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
	if v != nil {
		if err := json.Unmarshal([]byte(answer), v); err != nil {
			t.Fatalf("%s %s: %v: %s", method, path, err, answer)
		}
	}
}

// unanswered are the described operations that the log shows no success of.
func unanswered(t *testing.T, log string) (missing []string) {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile(description)
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range doc.Paths.Map() {
		pattern := strings.NewReplacer(`\{room\}`, `[^/ ]+`, `\{id\}`, `[^ ]+`).Replace(regexp.QuoteMeta(path))
		for method := range item.Operations() {
			success := regexp.MustCompile(`msg=request method=` + method + ` path="?` + pattern + `"? status=2`)
			if !success.MatchString(log) {
				missing = append(missing, method+" "+path)
			}
		}
	}
	return missing
}
