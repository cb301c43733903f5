package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// tool is the command line as the program's owner types it.
func (p *started) tool(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), p.Path, args...)
	cmd.Env = slices.Concat(p.Env, []string{"USHER_URL=" + p.url})
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v: %s", args, err, out)
	}
	return string(out)
}

// TestBackupWhileWritesGoOn: backups are taken while rooms are put and people come, the
// program is killed and its file lost; by the last one the lesson goes on, with everything
// that was answered before that backup began.
func TestBackupWhileWritesGoOn(t *testing.T) {
	dir := t.TempDir()
	data, kept := filepath.Join(dir, "usher.db"), filepath.Join(dir, "kept.db")
	first := launch(t, "USHER_DATA="+data)
	if status, answer := first.call(t, "PUT", "/v1/rooms/algebra", `{"maxSeats":2,"lessonSeconds":3600}`); status != http.StatusCreated {
		t.Fatalf("put: %d %s", status, answer)
	}
	for _, user := range []string{"alice", "bob"} {
		if err := first.enter(t, "algebra", user, ""); err != nil {
			t.Fatal(err)
		}
	}
	before := strings.Join(strings.Split(first.tool(t, "log", "algebra", "--json"), "\n")[:7], "\n")

	stop := make(chan struct{})
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				first.call(t, "PUT", fmt.Sprintf("/v1/rooms/w%d-%d", w, n), `{"maxSeats":2}`)
			}
		})
	}
	for n := range 3 {
		if status, _ := first.call(t, "PUT", fmt.Sprintf("/v1/rooms/before-%d", n), `{}`); status != http.StatusCreated {
			t.Errorf("put: %d", status)
		}
		first.tool(t, "backup", kept)
	}
	close(stop)
	writers.Wait()
	_ = first.Process.Kill()
	_ = first.Wait()
	if info, err := os.Stat(kept); err != nil || info.Mode() != 0o600 {
		t.Errorf("the backup has the mode %v, %v", info.Mode(), err)
	}
	if err := os.Remove(data); err != nil {
		t.Fatal(err)
	}
	first.tool(t, "restore", kept)

	second := launch(t, "USHER_DATA="+data)
	for n := range 3 {
		second.tool(t, "room", fmt.Sprintf("before-%d", n))
	}
	if after := second.tool(t, "log", "algebra", "--json"); !strings.HasPrefix(after, before) {
		t.Errorf("the log was\n%s\nand is\n%s", before, after)
	}
	if room := second.tool(t, "room", "algebra"); !strings.Contains(room, "running") {
		t.Errorf("the lesson does not go on:\n%s", room)
	}
	second.token = first.token // the key is the same
	if status, _ := second.call(t, "POST", "/v1/rooms/algebra/extend", `{"seconds":60}`); status != http.StatusOK {
		t.Errorf("extend: %d", status)
	}
}
