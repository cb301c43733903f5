package main

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"usher/pkg/version"
)

// asProgram makes the test binary the program itself.
const asProgram = "USHER_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	testscript.Main(m, map[string]func(){"usher": main})
}

// program is the program with these settings and no others.
func program(t testing.TB, vars ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Dir = t.TempDir()
	cmd.Env = append([]string{asProgram + "=1", "USHER_ADDR=127.0.0.1:0", "PATH=" + os.Getenv("PATH")}, vars...)
	return cmd
}

// started is a program that has said where it is.
type started struct {
	*exec.Cmd
	url, token string
	log        *bytes.Buffer
}

func launch(t testing.TB, vars ...string) *started {
	t.Helper()
	p := &started{Cmd: program(t, vars...), log: &bytes.Buffer{}}
	p.Stderr = p.log
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Process.Kill(); _ = p.Wait() })
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if _, url, found := strings.Cut(lines.Text(), " is at "); found {
			p.url = url
		}
		if _, token, found := strings.Cut(lines.Text(), "/#token="); found {
			p.token = token
			return p
		}
		if strings.Contains(lines.Text(), "`usher token` prints one") { // Vonage, and no terminal
			p.token = strings.TrimSpace(p.tool(t, "token"))
			return p
		}
	}
	t.Fatalf("it did not say where it is: %s", p.log)
	return nil
}

func (p *started) call(t testing.TB, method, path, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, p.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestKilledAndStartedAgain(t *testing.T) {
	data := "USHER_DATA=" + filepath.Join(t.TempDir(), "usher.db")
	first := launch(t, data)
	if status, answer := first.call(t, "PUT", "/v1/rooms/kept", `{"maxSeats":3}`); status != 201 {
		t.Fatalf("put: %d %s", status, answer)
	}
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = first.Wait()
	second := launch(t, data)
	if status, answer := second.call(t, "GET", "/v1/rooms/kept", ""); status != 200 || !strings.Contains(answer, `"maxSeats":3`) {
		t.Errorf("after the kill: %d %s", status, answer)
	}
	second.token = first.token
	if status, answer := second.call(t, "GET", "/v1/rooms", ""); status != 200 {
		t.Errorf("the token of before the kill: %d %s", status, answer)
	}
}

func TestEndsWhenAsked(t *testing.T) {
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		t.Run(signal.String(), func(t *testing.T) {
			p := launch(t)
			if err := p.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if err := p.Wait(); err != nil {
				t.Errorf("it ended with %v: %s", err, p.log)
			}
			if strings.Contains(p.log.String(), p.token) {
				t.Error("the token reached the log")
			}
		})
	}
}

// A ticket that somebody puts into the path, where its fragment belongs, is good for others
// as long as it lives.
func TestNoTokenReachesTheLog(t *testing.T) {
	p := launch(t)
	for _, path := range []string{"/room/", "/", "/v1/rooms/", "/v1/rooms/one-to-one/connections/"} {
		p.call(t, "GET", path+p.token, "")
	}
	p.call(t, "POST", "/session-monitoring", `{"sessionId":"`+p.token+`","event":"`+p.token+`","projectId":"`+p.token+`"}`)
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if log := p.log.String(); strings.Contains(log, p.token[:50]) || strings.Count(log, "[token]") < 5 {
		t.Errorf("the log says %s", log)
	}
}

func TestRefusesToStart(t *testing.T) {
	data := filepath.Join(t.TempDir(), "usher.db")
	running := launch(t, "USHER_DATA="+data)
	addr := strings.TrimPrefix(running.url, "http://")
	cases := []struct {
		name string
		vars []string
		want []string
	}{
		{
			"wrong settings",
			[]string{"USHER_TOKEN_SECONDS=5", "USHER_STORE=tape", "OPENTOK_API_SECRET=very-secret-text"},
			[]string{"USHER_TOKEN_SECONDS", "USHER_STORE", "OPENTOK_API_KEY"},
		},
		{"a real platform without signatures", []string{"OPENTOK_API_KEY=1", "OPENTOK_API_SECRET=very-secret-text"}, []string{"VONAGE_SIGNATURE_SECRET"}},
		{"the data file is in use", []string{"USHER_DATA=" + data}, []string{data, "another process"}},
		{"the port is taken", []string{"USHER_ADDR=" + addr}, []string{addr, "USHER_ADDR=127.0.0.1:"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			out, err := program(t, c.vars...).CombinedOutput()
			if err == nil {
				t.Fatalf("it started: %s", out)
			}
			for _, want := range c.want {
				if !strings.Contains(string(out), want) {
					t.Errorf("the message does not say %q: %s", want, out)
				}
			}
			if strings.Count(string(out), "usher:") != 1 || strings.Contains(string(out), "very-secret-text") {
				t.Errorf("not one message, or one with a secret: %s", out)
			}
		})
	}
}

// TestOneVersion: the command line and the server say the same.
func TestOneVersion(t *testing.T) {
	p := launch(t)
	_, health := p.call(t, "GET", "/healthz", "")
	if said := p.tool(t, "version"); !strings.Contains(health, `"version":"`+version.Of()+`"`) || !strings.HasPrefix(said, "usher "+version.Of()+" (") {
		t.Errorf("%q and %q, want %q", health, said, version.Of())
	}
}
