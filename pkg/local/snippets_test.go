package local

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// snippet is how a backend signs a ticket in one language: the text in README.md is
// written into the file and run as it is.
type snippet struct {
	language, file string
	run            []string
	needed         bool // by make verify; else it is skipped where there is no such runtime
}

var snippets = []snippet{
	{language: "go", file: "ticket.go", run: []string{"go", "run"}, needed: true},
	{language: "js", file: "ticket.js", run: []string{"node"}, needed: verifying},
	{language: "python", file: "ticket.py", run: []string{"python3"}, needed: verifying},
	{language: "php", file: "ticket.php", run: []string{"php"}, needed: verifying},
}

// TestSnippets runs what README.md says of how to sign a ticket, and joins with each
// ticket: the person comes with its user, role and data.
func TestSnippets(t *testing.T) {
	const secret = "a secret for tickets alone, of the README's readers"
	r := start(t, settings(t, filepath.Join(t.TempDir(), "usher.db"), "USHER_TICKET_SECRET", secret))
	if status, answer := r.admin("PUT", "/v1/rooms/algebra", `{"duplicateUser":"allow"}`); status != 201 {
		t.Fatalf("%d %v", status, answer)
	}
	for _, s := range snippets {
		t.Run(s.language, func(t *testing.T) {
			ticket := s.sign(t, secret)
			status, answer := r.call(ticket, "POST", "/v1/rooms/algebra/join", "")
			if status != 200 || answer["role"] != "student" {
				t.Fatalf("join answered %d %v", status, answer)
			}
			c, err := r.simulator.Connect(answer["sessionId"].(string), answer["token"].(string))
			if err != nil {
				t.Fatal(err)
			}
			var data struct{ Data struct{ Name string } }
			if err := json.Unmarshal([]byte(c.Data), &data); err != nil || data.Data.Name != "Alice Ångström" {
				t.Errorf("it came with the data %s, %v", c.Data, err)
			}
			if status, _ := r.call(ticket+"x", "POST", "/v1/rooms/algebra/join", ""); status != 401 {
				t.Errorf("a ticket that was changed was answered %d", status)
			}
		})
	}
}

// sign runs the snippet, as a backend that knows the secret alone.
func (s snippet) sign(t *testing.T, secret string) (ticket string) {
	t.Helper()
	program, err := exec.LookPath(s.run[0])
	switch {
	case err != nil && s.needed:
		t.Fatalf("%s is not on this machine, and is needed: %v", s.run[0], err)
	case err != nil:
		t.Skipf("%s is not on this machine: what README.md says in it was not run", s.run[0])
	}
	file := filepath.Join(t.TempDir(), s.file)
	if err := os.WriteFile(file, []byte(s.text(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, append(s.run[1:], file)...)
	cmd.Env = append(cmd.Environ(), "USHER_TICKET_SECRET="+secret)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	return strings.TrimSpace(string(out))
}

// text is the one block of that language in the section of README.md.
func (s snippet) text(t *testing.T) string {
	t.Helper()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "\n## Sign a ticket\n")
	section, _, _ = strings.Cut(section, "\n## ")
	blocks := strings.Split(section, "```"+s.language+"\n")
	if len(blocks) != 2 {
		t.Fatalf("README.md shows %d ways to sign a ticket in %s", len(blocks)-1, s.language)
	}
	text, _, _ := strings.Cut(blocks[1], "\n```")
	return text + "\n"
}
