//go:build verify

package functions_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"usher/pkg/childtest"
)

// emulator is an AWS of its own for one test, which enforces the functions' roles. What
// it does not do is said in docs/operations.md.
type emulator struct {
	t    testing.TB
	addr string
	bin  string // a folder with the AWS CLI
}

// cached is a file that make fetch installed.
func cached(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(os.Getenv("USHER_VERIFY"), name)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("run make verify, or make fetch and set USHER_VERIFY: %v", err)
	}
	return path
}

// newEmulator starts one whose functions find these variables too.
func newEmulator(t testing.TB, variables ...string) *emulator {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	python := cached(t, "ms/bin/python")
	e := &emulator{t: t, addr: childtest.Addr(t), bin: t.TempDir()}
	// Its own first line has no quotes, for a folder whose name has a space.
	write(t, filepath.Join(e.bin, "aws"), fmt.Appendf(nil, "#!/bin/sh\nexec '%s' '%s' \"$@\"\n", python, cached(t, "ms/bin/aws")))
	if err := os.Chmod(filepath.Join(e.bin, "aws"), 0o700); err != nil {
		t.Fatal(err)
	}
	host, port, _ := net.SplitHostPort(e.addr)
	cmd := exec.Command(python, filepath.Join(root, "testdata/ministack/start.py"))
	cmd.Dir = t.TempDir()
	cmd.Env = append(append(e.environment(), "BIND_HOST="+host, "GATEWAY_PORT="+port, "MINISTACK_REGION=eu-central-1",
		"IOT_MTLS_ENABLED=0", "AUTH=true"), variables...)
	childtest.Serve(t, cmd, "http://"+e.addr+"/_ministack/health", http.StatusOK)
	return e
}

// environment is that of a shell which is logged in to the emulated account.
func (e *emulator) environment() []string {
	return append(os.Environ(), "PATH="+e.bin+string(os.PathListSeparator)+os.Getenv("PATH"), "AWS_ENDPOINT_URL=http://"+e.addr,
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_REGION=eu-central-1", "AWS_DEFAULT_REGION=eu-central-1",
		"AWS_PAGER=", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "SAM_CLI_TELEMETRY=0")
}

// aws runs the AWS CLI and decodes what it prints into v, unless that is nil.
func (e *emulator) aws(v any, args ...string) {
	e.t.Helper()
	out, err := e.tryAWS(args...)
	if err != nil {
		e.t.Fatalf("aws %s: %v", strings.Join(args, " "), err)
	}
	if v == nil {
		return
	}
	if err := json.Unmarshal([]byte(out), v); err != nil {
		e.t.Fatalf("aws %s printed %s: %v", strings.Join(args, " "), out, err)
	}
}

func (e *emulator) tryAWS(args ...string) (string, error) {
	cmd := exec.Command(filepath.Join(e.bin, "aws"), append(args, "--output", "json")...)
	cmd.Env = e.environment()
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, said.String())
	}
	return string(out), err
}

// gatewayTransport reaches an HTTP API of the emulated account, whose id is given when it
// is known.
type gatewayTransport struct {
	addr string
	api  func() string
}

func (g gatewayTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	_, port, _ := net.SplitHostPort(g.addr)
	r.Host = g.api() + ".execute-api.localhost:" + port
	return http.DefaultTransport.RoundTrip(r)
}

// until polls for what comes in a moment, or on a slow machine in minutes.
func until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline, tick := time.After(4*time.Minute), time.NewTicker(100*time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within four minutes: %s", what)
		}
	}
}
