package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestCommands tells the stories of testdata/command: the command line against the real
// program with the simulated platform. Beside testscript's own, their commands are
//
//	serve [NAME=VALUE...]  starts the program, with these settings
//	crash                  ends it at once
//	exits STATUS ARG...    runs the command line, which must end with that status
//	enter USER [ROLE]      joins the room algebra with a ticket, and connects
//	connection USER        puts the id of the user's connection into $CONNECTION
//	foreign DATA           somebody with another token connects in algebra; DATA is as in JSON
func TestCommands(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/command",
		Setup: func(e *testscript.Env) error {
			f := newFront(t)
			e.Values[stageKey{}] = &stage{TB: e.T().(testing.TB), front: f}
			e.Vars = append(e.Vars, "USHER_URL="+f.url, "USHER_DATA="+e.WorkDir+"/usher.db")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":      exits,
			"swept":      swept,
			"serve":      staged((*stage).serve),
			"crash":      staged((*stage).crash),
			"enter":      staged((*stage).enter),
			"connection": staged((*stage).connection),
			"foreign":    staged((*stage).foreign),
		},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	if err != nil || neg {
		ts.Fatalf("exits STATUS ARG...")
	}
	got := 0
	if err := ts.Exec("usher", args[1:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("it ended with %d", got)
	}
}

// swept waits until the program's first sweep ran.
func swept(ts *testscript.TestScript, _ bool, _ []string) {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ts.Exec("usher", "doctor") == nil {
			return
		}
	}
	ts.Fatalf("the doctor finds something after a minute")
}

// stage is what a story plays on.
type stage struct {
	testing.TB
	front   *front
	program *started
}

type stageKey struct{}

func staged(do func(*stage, *testscript.TestScript, []string) error) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, _ bool, args []string) {
		ts.Check(do(ts.Value(stageKey{}).(*stage), ts, args))
	}
}

func (s *stage) serve(ts *testscript.TestScript, vars []string) error {
	s.program = launch(s.TB, append([]string{"USHER_DATA=" + ts.Getenv("USHER_DATA")}, vars...)...)
	s.front.lead(s.program.url)
	return nil
}

func (s *stage) crash(*testscript.TestScript, []string) error {
	err := s.program.Process.Kill()
	_ = s.program.Wait()
	return err
}

func (s *stage) enter(_ *testscript.TestScript, args []string) error {
	return s.program.enter(s.TB, "algebra", args[0], append(args, "")[1])
}

func (s *stage) connection(ts *testscript.TestScript, args []string) error {
	_, answer := s.program.call(s.TB, "GET", "/v1/rooms/algebra/connections", "")
	var page struct {
		Connections []struct{ ID, User string }
	}
	if err := json.Unmarshal([]byte(answer), &page); err != nil {
		return err
	}
	for _, c := range page.Connections {
		if c.User == args[0] {
			ts.Setenv("CONNECTION", c.ID)
			return nil
		}
	}
	return fmt.Errorf("%s is not in: %s", args[0], answer)
}

func (s *stage) foreign(_ *testscript.TestScript, args []string) error {
	_, answer := s.program.call(s.TB, "GET", "/v1/rooms/algebra", "")
	var room struct{ SessionID string }
	if err := json.Unmarshal([]byte(answer), &room); err != nil {
		return err
	}
	return s.program.connect(s.TB, room.SessionID, `{"data":"`+args[0]+`"}`)
}

// enter plays the browser of somebody with a ticket.
func (p *started) enter(t testing.TB, room, user, role string) error {
	ticket := exec.CommandContext(t.Context(), p.Path, "ticket", room, user, "--role", role)
	ticket.Env = p.Env
	token, err := ticket.Output()
	if err != nil {
		return err
	}
	return p.join(t, room, strings.TrimSpace(string(token)))
}

func (p *started) join(t testing.TB, room, ticket string) error {
	asAdmin := p.token
	p.token = ticket
	status, answer := p.call(t, "POST", "/v1/rooms/"+room+"/join", "")
	p.token = asAdmin
	if status != http.StatusOK {
		return fmt.Errorf("join: %d %s", status, answer)
	}
	var credentials struct{ SessionID, Token string }
	if err := json.Unmarshal([]byte(answer), &credentials); err != nil {
		return err
	}
	return p.connect(t, credentials.SessionID, `{"token":"`+credentials.Token+`"}`)
}

// connect lets a client connect, and waits until the doorkeeper has heard of it.
func (p *started) connect(t testing.TB, session, body string) error {
	status, answer := p.call(t, "POST", "/simulator/control/sessions/"+session+"/connections", body)
	var made struct{ ConnectionID string }
	if err := json.Unmarshal([]byte(answer), &made); err != nil || status > 299 || made.ConnectionID == "" {
		return fmt.Errorf("connect: %d %s %w", status, answer, err)
	}
	return p.heardOf(t, session, made.ConnectionID)
}

func (p *started) heardOf(t testing.TB, session, connection string) error {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); <-time.After(10 * time.Millisecond) {
		if _, log := p.call(t, "GET", "/v1/rooms/algebra/events?limit=1000&sessionId="+session, ""); strings.Contains(log, connection) {
			return nil
		}
	}
	return fmt.Errorf("the connection %s was not heard of", connection)
}

// front is an address that stays while the program behind it comes and goes.
type front struct {
	url    string
	target atomic.Value // host:port
}

func newFront(t *testing.T) *front {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	f := &front{url: "http://" + listener.Addr().String()}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go f.pass(conn)
		}
	}()
	return f
}

func (f *front) lead(url string) { f.target.Store(strings.TrimPrefix(url, "http://")) }

// pass hands a connection on; without a program it is broken off.
func (f *front) pass(conn net.Conn) {
	defer conn.Close()
	target, _ := f.target.Load().(string)
	there, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer there.Close()
	go func() { _, _ = io.Copy(there, conn) }()
	_, _ = io.Copy(conn, there)
}

// TestFollowUntilInterrupted: log --follow prints each line as it comes, over a kill of
// the server, and ends well.
func TestFollowUntilInterrupted(t *testing.T) {
	data := "USHER_DATA=" + filepath.Join(t.TempDir(), "usher.db")
	f := newFront(t)
	p := launch(t, data)
	f.lead(p.url)
	if status, answer := p.call(t, "PUT", "/v1/rooms/algebra", `{"maxSeats":3}`); status != http.StatusCreated {
		t.Fatalf("put: %d %s", status, answer)
	}
	follow := program(t, data, "USHER_URL="+f.url)
	follow.Args = append(follow.Args, "log", "algebra", "--follow")
	out, err := follow.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := follow.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for _, user := range []string{"alice", "bob"} {
		if err := p.enter(t, "algebra", user, ""); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() && !strings.HasSuffix(strings.Split(lines.Text(), " @ ")[0], "= "+user) {
		}
		if user == "alice" {
			_ = p.Process.Kill()
			_ = p.Wait()
			p = launch(t, data)
			f.lead(p.url)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if err := follow.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, out)
	if err := follow.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}
