// Package scenarios_test tells the doorkeeper's behaviour as stories: one text
// file each in testdata, run through the real HTTP handlers and the real store
// on a clock that only the story moves. README.md lists the commands.
package scenarios_test

import (
	"flag"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "write what cmp sees into the stories, where it differs")

func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories in testdata: %v", err)
	}
	testscript.Run(t, testscript.Params{
		Files:               files,
		Cmds:                commands(),
		Setup:               begin,
		UpdateScripts:       *update,
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
	})
}

// command is one command of a story; its error is what was expected and what
// came instead.
type command func(s *story, c *call) error

// call is one line of a story.
type call struct {
	*testscript.TestScript
	neg  bool // the line began with !
	args []string
}

// commands are what a story can say.
func commands() map[string]func(*testscript.TestScript, bool, []string) {
	all := map[string]func(*testscript.TestScript, bool, []string){}
	for _, group := range []map[string]command{clockCommands, peopleCommands, crowdCommands, streamCommands, platformCommands, apiCommands, banCommands, recordCommands, webhookCommands, checks} {
		for name, do := range group {
			all[name] = func(ts *testscript.TestScript, neg bool, args []string) {
				s := ts.Value(storyKey{}).(*story)
				if err := do(s, &call{ts, neg, args}); err != nil {
					ts.Fatalf("%v", err)
				}
			}
		}
	}
	return all
}

type storyKey struct{}

// begin puts a fresh world under a story, and shows its log where it fails.
func begin(env *testscript.Env) error {
	t := env.T().(testing.TB)
	s, err := newStory(filepath.Join(env.WorkDir, ".usher.db"))
	if err != nil {
		return err
	}
	env.Values[storyKey{}] = s
	env.Defer(func() {
		if t.Failed() {
			t.Log(s.tell())
		}
		s.close()
	})
	return nil
}
