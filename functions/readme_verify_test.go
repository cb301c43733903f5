//go:build verify

package functions_test

import (
	"cmp"
	"crypto/sha256"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// steps are the commands under a heading of the README, a text for each block, as
// somebody would copy them.
func steps(t testing.TB, heading string) (blocks []string) {
	t.Helper()
	_, section, found := strings.Cut(read(t, "../README.md"), "\n"+heading+"\n")
	if !found {
		t.Fatalf("the README has no heading %q", heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	for _, m := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(section, -1) {
		blocks = append(blocks, m[1])
	}
	return blocks
}

// project is a copy of this one, in a folder whose name has a space.
type project struct {
	t   testing.TB
	dir string
	env []string
}

func copyProject(t testing.TB, env []string) *project {
	t.Helper()
	p := &project{t: t, dir: filepath.Join(t.TempDir(), "a project"), env: env}
	p.walk("..", func(path string) {
		to := filepath.Join(p.dir, path)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join("..", path))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, []byte(read(t, filepath.Join("..", path))), info.Mode().Perm()); err != nil {
			t.Fatal(err)
		}
	})
	if err := os.Symlink(os.Getenv("USHER_VERIFY"), filepath.Join(p.dir, ".cache")); err != nil {
		t.Fatal(err)
	}
	return p
}

// walk visits the files that belong to a project: nothing that was fetched, built or
// answered.
func (p *project) walk(root string, visit func(path string)) {
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		name := d.Name()
		switch {
		case err != nil:
			return err
		case path == root:
		case d.IsDir() && (name[0] == '.' || name == "node_modules"):
			return fs.SkipDir
		case !d.Type().IsRegular(), name[0] == '.', ignored(name):
		default:
			inner, _ := filepath.Rel(root, path)
			visit(inner)
		}
		return nil
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

func ignored(name string) bool {
	answers, _ := filepath.Match("samconfig.*.toml", name)
	database, _ := filepath.Match("*.db", name)
	return answers || database
}

// sums are the files of the project by what is in them.
func (p *project) sums() map[string][sha256.Size]byte {
	all := map[string][sha256.Size]byte{}
	p.walk(p.dir, func(path string) { all[path] = sha256.Sum256([]byte(read(p.t, filepath.Join(p.dir, path)))) })
	return all
}

// shell runs commands in the project with these lines typed, and gives all that was
// printed.
func (p *project) shell(commands string, typed ...string) (printed string, err error) {
	cmd := exec.Command("bash", "-euo", "pipefail", "-c", commands)
	cmd.Dir, cmd.Env = p.dir, p.env
	cmd.Stdin = strings.NewReader(strings.Join(typed, "\n") + "\n")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (p *project) mustShell(commands string, typed ...string) {
	p.t.Helper()
	if out, err := p.shell(commands, typed...); err != nil {
		p.t.Fatalf("%s: %v\n%s", commands, err, out)
	}
}

// answersOf are the lines that somebody types at sam deploy --guided: what is offered,
// but for these parameters.
func answersOf(t testing.TB, set map[string]string) (lines []string) {
	t.Helper()
	var template struct {
		Parameters yaml.Node `yaml:"Parameters"`
	}
	if err := yaml.Unmarshal([]byte(read(t, "../template.yaml")), &template); err != nil {
		t.Fatal(err)
	}
	lines = []string{"", ""} // the stack's name, the region
	for i := 0; i < len(template.Parameters.Content); i += 2 {
		lines = append(lines, set[template.Parameters.Content[i].Value])
	}
	// changes are confirmed, roles are made, no roll-back is off, answers are saved, where, as what
	return append(lines, "", "", "", "", "", "")
}

// TestRefusedAnswers: a wrong answer is saved like a right one, and the same command would
// fail with it for ever. It says what asks again.
func TestRefusedAnswers(t *testing.T) {
	makefile, err := filepath.Abs("../cloud.mk")
	if err != nil {
		t.Fatal(err)
	}
	config := read(t, "../samconfig.toml")
	for _, c := range []struct{ name, profile, answers, says string }{
		{"with questions", "dev", "", "make sam-configure asks again"},
		{"with saved answers", "dev", "s3_prefix = \"usher-dev\"\n", "make sam-configure asks again"},
		{"with half of the answers", "dev", "parameter_overrides = \"AlarmEmail=ops@school.example\"\n", "make sam-configure asks again"},
		{"in another profile", "prod", "s3_prefix = \"usher\"\n", "make sam-configure PROFILE=prod asks again"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := project{t, t.TempDir(), os.Environ()}
			answers := filepath.Join(p.dir, "samconfig."+c.profile+".toml")
			write(t, filepath.Join(p.dir, "samconfig.toml"), []byte(config))
			if c.answers != "" {
				write(t, answers, []byte(c.answers))
			}
			// A SAM CLI that refuses, and nothing is built for it.
			out, err := p.shell("make -f '" + makefile + "' -o sam-build SAM=false PROFILE=" + c.profile + " sam-deploy")
			if err == nil || !strings.Contains(out, c.says) {
				t.Errorf("%v: %s does not say %q", err, out, c.says)
			}
			if kept := read(t, answers); kept != cmp.Or(c.answers, config) {
				t.Errorf("the answers were %q and are %q", c.answers, kept)
			}
		})
	}
}

// TestUnknownProfile: of one that nobody described the SAM CLI would make another stack.
func TestUnknownProfile(t *testing.T) {
	makefile, err := filepath.Abs("../cloud.mk")
	if err != nil {
		t.Fatal(err)
	}
	for _, profile := range []string{"Prod", "staging", "a b", ""} {
		p := project{t, t.TempDir(), os.Environ()}
		write(t, filepath.Join(p.dir, "samconfig.toml"), []byte(read(t, "../samconfig.toml")))
		for _, target := range []string{"sam-deploy", "sam-configure"} {
			out, err := p.shell("make -f '" + makefile + "' -o sam-build SAM=true PROFILE='" + profile + "' " + target)
			if err == nil || !strings.Contains(out, "Take dev or prod") {
				t.Errorf("%s of %q: %s (%v)", target, profile, out, err)
			}
		}
		if files, _ := filepath.Glob(filepath.Join(p.dir, "*")); len(files) != 1 {
			t.Errorf("of %q there are now %q", profile, files)
		}
	}
}
