//go:build verify

package functions_test

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"usher/pkg/childtest"
)

// workbench is a copy of the project with its stand-ins running, at ports of their own.
type workbench struct {
	*project
	t      *testing.T
	docker bool
}

// TestOnThisMachine does what the README says under "The functions on this machine": by
// sam local where a Docker engine runs, else by the runtime interface emulator with the
// same events and variables.
func TestOnThisMachine(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t)
	blocks := steps(t, "## The functions on this machine")
	if len(blocks) != 3 {
		t.Fatalf("the README has %d blocks, want the stand-ins, the functions, the API", len(blocks))
	}
	invocations := strings.Split(strings.TrimSpace(blocks[1]), "\n")
	if len(invocations) != len(folders(t)) {
		t.Errorf("the README invokes %d functions of %d", len(invocations), len(folders(t)))
	}
	w.standIns(strings.TrimSpace(blocks[0]))
	for _, line := range invocations {
		words := strings.Fields(line)
		name := strings.ToLower(strings.TrimSuffix(words[3], "Function"))
		t.Run(name, func(t *testing.T) {
			before := w.event()
			check(t, name, w.invoke(t, name, line, words[5]))
			if name == "webhook" {
				until(t, "the third one is disconnected", func() bool { return w.event() != before })
			}
		})
	}
	t.Run("api", func(t *testing.T) {
		if !w.docker {
			t.Log("there is no API without a Docker engine")
			return
		}
		addr := w.startAPI(t)
		before := w.event()
		p := *w.project
		p.t = t
		p.mustShell(strings.ReplaceAll(blocks[2], "127.0.0.1:3000", addr))
		until(t, "the third one is disconnected", func() bool { return w.event() != before })
		// 503 would be settings that do not fit.
		res, err := http.Get("http://" + addr + "/v1/rooms")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusUnauthorized {
			t.Errorf("without a token the rooms are %d, want 401", res.StatusCode)
		}
	})
}

func newWorkbench(t *testing.T) *workbench {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "AWS_") })
	w := &workbench{t: t, project: copyProject(t, append(env, "SAM_CLI_TELEMETRY=0", "AWS_EC2_METADATA_DISABLED=true"))}
	// The files of a run are not those of the folder that the tools were fetched to.
	cache := filepath.Join(w.dir, ".cache")
	if err := os.Remove(cache); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"sam", "ddblocal"} {
		if err := os.Symlink(cached(t, name), filepath.Join(cache, name)); err != nil {
			t.Fatal(err)
		}
	}
	out, err := w.shell("docker info && testdata/sam/image.sh")
	if w.docker = err == nil; !w.docker {
		t.Logf("without a Docker engine, by the runtime interface emulator: %v\n%s", err, out)
	}
	return w
}

// standIns runs the README's command, with other ports in it and in the variables.
func (w *workbench) standIns(command string) {
	addr, dynamodb := childtest.Addr(w.t), childtest.Addr(w.t)
	_, port, _ := net.SplitHostPort(addr)
	_, dynamoPort, _ := net.SplitHostPort(dynamodb)
	file := filepath.Join(w.dir, "testdata/sam/env.json")
	variables := strings.NewReplacer(":8000", ":"+dynamoPort, ":8001", ":"+port).Replace(read(w.t, file))
	write(w.t, file, []byte(variables))
	cmd := exec.Command("bash", "-c", command+` STANDINS="-addr `+addr+` -dynamodb `+dynamoPort+`"`)
	cmd.Dir, cmd.Env = w.dir, w.env
	childtest.Serve(w.t, cmd, "http://"+addr, 0)
	until(w.t, "the scene is set", func() bool { return w.event() != "" })
}

// event is the one that tells of the third connection, as it stands now.
func (w *workbench) event() string {
	raw, err := os.ReadFile(filepath.Join(w.dir, ".cache/local/third.json"))
	if err != nil || !json.Valid(raw) { // not yet, or just now
		return ""
	}
	return string(raw)
}

// invoke gives what the function answered to the event in the file.
func (w *workbench) invoke(t *testing.T, name, command, file string) (answer string) {
	if !w.docker {
		binary := filepath.Join(w.dir, ".aws-sam/build", strings.ToUpper(name[:1])+name[1:]+"Function", "bootstrap")
		return emulate(t, binary, w.variables(), read(t, filepath.Join(w.dir, file)))
	}
	cmd := exec.Command("bash", "-c", command)
	cmd.Dir, cmd.Env = w.dir, w.env
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	return string(out)
}

// variables are those of testdata/sam/env.json, with what Lambda sets.
func (w *workbench) variables() (env []string) {
	var file struct{ Parameters map[string]string }
	if err := json.Unmarshal([]byte(read(w.t, filepath.Join(w.dir, "testdata/sam/env.json"))), &file); err != nil {
		w.t.Fatal(err)
	}
	for name, value := range file.Parameters {
		env = append(env, name+"="+value)
	}
	return append(env, "AWS_REGION=eu-central-1", "AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local",
		"AWS_LAMBDA_FUNCTION_NAME=usher", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=512", "_HANDLER=bootstrap")
}

func (w *workbench) startAPI(t *testing.T) (addr string) {
	addr = childtest.Addr(t)
	_, port, _ := net.SplitHostPort(addr)
	if !strings.Contains(read(t, "../README.md"), "`.cache/sam/bin/sam local start-api`") {
		t.Fatal("the README does not say how to start the API")
	}
	cmd := exec.Command(filepath.Join(w.dir, ".cache/sam/bin/sam"), "local", "start-api", "--port", port)
	cmd.Dir, cmd.Env = w.dir, w.env
	childtest.Serve(t, cmd, "http://"+addr+"/healthz", http.StatusOK)
	return addr
}

// check reads a function's answer: no failure, whatever it is in full.
func check(t *testing.T, name, answer string) {
	t.Helper()
	var got struct {
		StatusCode        int
		ErrorMessage      string
		BatchItemFailures []any
	}
	if answer = strings.TrimSpace(answer); answer != "" {
		if err := json.Unmarshal([]byte(answer), &got); err != nil {
			t.Fatalf("answered %q: %v", answer, err)
		}
	}
	http := name == "webhook" || name == "rooms"
	if http && got.StatusCode != 200 || got.ErrorMessage != "" || len(got.BatchItemFailures) > 0 || name == "tasks" && !strings.Contains(answer, "[]") {
		t.Errorf("answered %s", answer)
	}
}
