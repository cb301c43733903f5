//go:build verify

package hooks

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"usher/pkg/api"
	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/room"
)

// TestPeers: what the backend is sent is verified by the specification's own libraries
// for Node and Python, and what was changed is not.
func TestPeers(t *testing.T) {
	url, posts := receiver(t, 204)
	b := backend(t, url)
	b.o.Body = api.Notice
	line := journal.Line{
		Seq: 7, At: epoch.Instant(1_795_705_549_560), Event: journal.ConnectionCreated, Connection: "c1",
		User: "Zoë 李雷 \u2028 <&>", Action: journal.DidSeat,
	}
	if err := b.Tell(t.Context(), room.Notice{Room: "algebra", Session: "2_MX4xMjM0NTZ-fjE3OTU3MDU1NDk1Nn4", Line: line}); err != nil {
		t.Fatal(err)
	}
	p := (*posts)[0]
	headers := map[string]string{}
	for _, name := range []string{"webhook-id", "webhook-timestamp", "webhook-signature"} {
		headers[name] = p.header.Get(name)
	}
	cache := os.Getenv("USHER_VERIFY")
	if cache == "" {
		t.Fatal("USHER_VERIFY does not name the folder of installed tools: use make verify")
	}
	for name, program := range map[string][]string{
		"Node":   {"node", "verify.js"},
		"Python": {filepath.Join(cache, "standardwebhooks", "bin", "python"), "verify.py"},
	} {
		t.Run(name, func(t *testing.T) {
			if said, err := peer(program, headers, string(p.body)); err != nil || said != "verified\n" {
				t.Errorf("it said %s, %v", said, err)
			}
			if said, err := peer(program, headers, string(p.body)+" "); err == nil {
				t.Errorf("a body that was changed is %s", said)
			} else if !strings.Contains(said, "No matching signature found") {
				t.Errorf("it said %s, %v", said, err)
			}
		})
	}
}

// peer has one of the libraries verify.
func peer(program []string, headers map[string]string, body string) (string, error) {
	in, err := json.Marshal(map[string]any{"secret": secret, "headers": headers, "body": body})
	if err != nil {
		return "", err
	}
	cmd := exec.Command(program[0], program[1:]...)
	cmd.Dir = filepath.Join("testdata", "peers")
	cmd.Stdin = strings.NewReader(string(in))
	said, err := cmd.CombinedOutput()
	return string(said), err
}
