//go:build verify

package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestReadme runs README's first steps as they stand, but for the port, in one shell each.
// Whoever opens the links is played.
func TestReadme(t *testing.T) {
	steps := firstSteps(t)
	data := filepath.Join(t.TempDir(), "usher.db")
	p := launch(t, "USHER_DATA="+data)
	dir := t.TempDir()
	if err := os.Symlink(p.Path, filepath.Join(dir, "usher")); err != nil {
		t.Fatal(err)
	}
	status := http.StatusOK
	for _, step := range steps {
		shell := exec.CommandContext(t.Context(), "sh", "-ec", strings.ReplaceAll(step, "http://127.0.0.1:5000", p.url))
		shell.Dir = dir
		shell.Env = slices.Concat(p.Env, []string{"USHER_DATA=" + data, "USHER_URL=" + p.url})
		out, err := shell.CombinedOutput()
		t.Logf("%s\n%s", step, out)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(step, "curl") && !strings.Contains(string(out), `"sessionId":"2_`) {
			t.Error("curl was not given what README shows")
		}
		for _, link := range regexp.MustCompile(`#ticket=(\S+)`).FindAllSubmatch(out, -1) {
			if err := p.join(t, "algebra", string(link[1])); err != nil {
				status = http.StatusConflict
				if !strings.Contains(err.Error(), "room-full") {
					t.Fatal(err)
				}
			}
		}
	}
	if status != http.StatusConflict {
		t.Error("Carol was let in")
	}
	if picture, err := os.ReadFile(filepath.Join(dir, "algebra.svg")); err != nil || !strings.HasPrefix(string(picture), "<svg") {
		t.Errorf("the picture is %.20q, %v", picture, err)
	}
}

// firstSteps are the commands in "Try it".
func firstSteps(t *testing.T) (steps []string) {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(readme), "\n## Try it\n")
	text, _, _ = strings.Cut(text, "\n## ")
	for _, m := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(text, -1) {
		steps = append(steps, m[1])
	}
	if len(steps) < 5 {
		t.Fatal(fmt.Sprint("README's first steps are not where they were: ", steps))
	}
	return steps
}
