package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pkg is one package of this module as go list shows it.
type pkg struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

// rule says what packages may not import, and why. A path ends in /... to mean
// everything under it too.
type rule struct {
	why    string
	of     []string
	except []string
	not    []string // forbidden imports
	but    []string // of those, the allowed ones
	linked bool     // what is linked, not only what is imported directly
}

const (
	anything = "*" // every import
	outside  = "+" // every import that is not in the standard library
)

// values are the packages that everything else is said in: moments, refusals,
// texts of JSON, policies, the log and the lesson.
var values = []string{"usher/pkg/epoch", "usher/pkg/metric", "usher/pkg/problem", "usher/pkg/object", "usher/pkg/policy", "usher/pkg/journal", "usher/pkg/lesson"}

// testTools are the packages that only tests may use.
var testTools = []string{
	"usher/pkg/lesson/exploration", "usher/pkg/room/storetest", "usher/pkg/doorkeeper/simulation", "usher/pkg/doorkeeper/costs",
	"usher/pkg/dynamo/dynamotest", "usher/pkg/timer/timertest", "usher/pkg/childtest", "usher/pkg/browsertest",
}

// plain is what the rules need of the standard library: it computes, and reaches
// for nothing.
var plain = []string{"bytes", "cmp", "encoding/json", "errors", "fmt", "maps", "slices", "strconv", "strings", "time", "unicode", "unicode/utf8"}

func and(lists ...[]string) []string { return slices.Concat(lists...) }

var rules = []rule{
	{
		why: "a moment is a number, and nothing more",
		of:  []string{"usher/pkg/epoch/..."}, not: []string{anything}, but: []string{"time"},
	},
	{
		why: "what is measured has names, and nobody listens in here",
		of:  []string{"usher/pkg/metric/..."}, not: []string{anything},
	},
	{
		why: "a refusal is words and a code, whoever shows them",
		of:  []string{"usher/pkg/problem/..."}, not: []string{anything}, but: []string{"time"},
	},
	{
		why: "JSON is taken apart without a thought of what it says",
		of:  []string{"usher/pkg/object/..."}, not: []string{anything}, but: plain,
	},
	{
		why: "what an owner may ask is read from text, by itself",
		of:  []string{"usher/pkg/policy/..."}, not: []string{anything}, but: and(plain, []string{"usher/pkg/epoch", "usher/pkg/problem", "usher/pkg/object", "crypto/sha256"}), // a hash names a long value in the log
	},
	{
		why: "the log outlives the rules that wrote it",
		of:  []string{"usher/pkg/journal/..."}, not: []string{anything}, but: and(plain, []string{"io", "usher/pkg/epoch", "usher/pkg/policy"}),
	},
	{
		why: "the rules are decided by values alone: no context, no clock, no net, no log",
		of:  []string{"usher/pkg/lesson/..."}, except: testTools, not: []string{anything},
		but: and(plain, []string{"math/big", "usher/pkg/epoch", "usher/pkg/problem", "usher/pkg/policy", "usher/pkg/journal"}),
	},
	{
		why: "what is true of the rules is found by the rules alone: whoever walks them needs no shell",
		of:  []string{"usher/pkg/lesson/exploration"}, not: []string{anything},
		but: and(plain, values, []string{"crypto/sha256", "encoding/binary", "reflect"}), // a hash of every field names a state
	},
	{
		why: "what a refund may rest on is added up from values alone, by whoever holds them",
		of:  []string{"usher/pkg/attendance/..."}, not: []string{anything},
		but: and(plain, []string{"usher/pkg/epoch", "usher/pkg/policy", "usher/pkg/journal", "usher/pkg/lesson", "usher/pkg/attendance", "io", "encoding/xml"}), // it is drawn, too
	},
	{
		why: "rooms and ports are said in values",
		of:  []string{"usher/pkg/room/..."}, except: testTools, not: []string{anything}, but: and(plain, values, []string{"usher/pkg/attendance", "context", "crypto/sha256"}), // a hash names a policy
	},
	{
		why: "the shell knows the ports, never what is behind them",
		of:  []string{"usher/pkg/doorkeeper/..."}, except: testTools, not: []string{outside},
		but: and(values, []string{"usher/pkg/room", "usher/pkg/attendance", "github.com/hashicorp/golang-lru/v2"}), // its own memory is behind no port
	},
	{
		why: "an adapter that knows another cannot be replaced alone",
		of: []string{
			"usher/pkg/bolt", "usher/pkg/dynamo", "usher/pkg/timer", "usher/pkg/vonage", "usher/pkg/gateway", "usher/pkg/config",
			"usher/pkg/hooks", "usher/pkg/emf", "usher/pkg/prom", "usher/pkg/control",
		},
		not: []string{"usher/..."}, but: and(values, []string{"usher/pkg/room"}),
	},
	{
		why: "HTTP asks the doorkeeper, and knows no adapter",
		of:  []string{"usher/pkg/api"},
		not: []string{"usher/..."}, but: and(values, []string{"usher/pkg/room", "usher/pkg/attendance", "usher/pkg/attendance/picture", "usher/pkg/doorkeeper", "usher/pkg/checkup"}),
	},
	{
		why: "a checkup looks through the ports that lessons use",
		of:  []string{"usher/pkg/checkup"},
		not: []string{"usher/..."}, but: []string{"usher/pkg/epoch", "usher/pkg/room"},
	},
	{
		why: "a page carries values as the API shows them, and knows no adapter besides",
		of:  []string{"usher/pkg/web"},
		not: []string{"usher/..."}, but: and(values, []string{"usher/pkg/room", "usher/pkg/doorkeeper", "usher/pkg/api"}),
	},
	{
		why: "a simulator that shares code with the client shares its mistakes",
		of:  []string{"usher/pkg/vonage/vonagetest"}, not: []string{"usher/..."},
	},
	{
		why: "who asks over HTTP shares nothing with who answers but the API",
		of:  []string{"usher/pkg/client"}, not: []string{outside}, but: []string{"usher/pkg/journal"}, // its Plain text
	},
	{
		why: "what a binary was built from stands in it, and nowhere else",
		of:  []string{"usher/pkg/version"}, not: []string{anything}, but: []string{"cmp", "runtime/debug"},
	},
	{
		why: "each program's log goes through it",
		of:  []string{"usher/pkg/redact"}, not: []string{outside},
	},
	{
		why: "the command line asks the system like everybody else, and is given what it runs",
		of:  []string{"usher/pkg/command"}, not: []string{"usher/pkg/doorkeeper/...", "usher/pkg/room", "usher/pkg/app", "usher/pkg/local", "usher/pkg/dynamo", "usher/pkg/vonage/..."},
		but: []string{"usher/pkg/doorkeeper"}, // an applicant, whom a ticket names
	},
	{
		why: "conditions, SDK types and their errors stay where they are mapped",
		of:  []string{"usher/..."}, except: []string{"usher/pkg/dynamo/...", "usher/pkg/timer/...", "usher/pkg/topic", "usher/pkg/app", "usher/pkg/local"},
		not: []string{"github.com/aws/aws-sdk-go-v2/...", "github.com/aws/smithy-go/..."},
	},
	{
		why: "the handlers are plain HTTP and plain calls; only the edge knows Lambda",
		of:  []string{"usher/..."}, except: []string{"usher/pkg/gateway", "usher/functions/..."},
		not: []string{"github.com/aws/aws-lambda-go/..."},
	},
	{
		why: "a function starts cold: what serves one process, or tests, has no place in it",
		of:  []string{"usher/functions/..."}, linked: true,
		not: and(testTools, []string{
			"go.etcd.io/bbolt/...", "usher/pkg/bolt", "usher/pkg/local", "usher/pkg/prom", "github.com/prometheus/...",
			"usher/pkg/control", "usher/pkg/client", "usher/pkg/command", "github.com/spf13/...", "usher/pkg/vonage/vonagetest", "testing",
		}),
	},
	{
		why: "tests' tools have no place in what people run",
		of:  []string{"usher"}, linked: true,
		not: and(testTools, []string{"pgregory.net/...", "github.com/chromedp/...", "github.com/getkin/...", "testing"}),
	},
	{
		why: "tests' tools are for tests, and for one another",
		of:  []string{"usher/..."}, except: testTools, not: testTools,
	},
	{
		why: "a store is held to its contract by itself, not by what is built on it",
		of:  []string{"usher/pkg/room/storetest"}, not: []string{"usher/..."}, but: and(values, []string{"usher/pkg/room"}),
	},
	{
		why: "imports run one way: functions, app, adapters, doorkeeper, room, lesson",
		of:  []string{"usher/pkg/..."}, except: []string{"usher/pkg/app", "usher/pkg/local", "usher/pkg/command"},
		not: []string{"usher/pkg/app", "usher/pkg/local", "usher/pkg/command", "usher/functions/..."},
	},
}

func TestImports(t *testing.T) {
	packages := listPackages(t)
	for _, r := range rules {
		t.Run(r.why, func(t *testing.T) {
			for _, p := range packages {
				if matches(r.of, p.ImportPath) && !matches(r.except, p.ImportPath) {
					r.check(t, p)
				}
			}
		})
	}
}

func (r rule) check(t *testing.T, p pkg) {
	verb, imports := "imports", p.Imports
	if r.linked {
		verb, imports = "links", p.Deps
	}
	for _, path := range imports {
		if matches(r.not, path) && !matches(r.but, path) {
			t.Errorf("%s %s %s, but %s", p.ImportPath, verb, path, r.why)
		}
	}
}

func matches(patterns []string, path string) bool {
	for _, pattern := range patterns {
		root, below := strings.CutSuffix(pattern, "/...")
		first, _, _ := strings.Cut(path, "/")
		switch {
		case pattern == anything, path == root, below && strings.HasPrefix(path, root+"/"):
			return true
		case pattern == outside && (first == "usher" || strings.Contains(first, ".")):
			return true
		}
	}
	return false
}

func listPackages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,Deps", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// TestMatches: a rule that matches nothing would hold whatever is written.
func TestMatches(t *testing.T) {
	for _, c := range []struct {
		patterns []string
		path     string
		want     bool
	}{
		{[]string{outside}, "net/http", false},
		{[]string{outside}, "usher/pkg/bolt", true},
		{[]string{outside}, "go.etcd.io/bbolt", true},
		{[]string{"usher/..."}, "usher", true},
		{[]string{"usher/..."}, "usher/pkg/room", true},
		{[]string{"usher/pkg/room"}, "usher/pkg/room/storetest", false},
		{[]string{"usher/pkg/room/..."}, "usher/pkg/rooms", false},
	} {
		if matches(c.patterns, c.path) != c.want {
			t.Errorf("%q matches %q: want %v", c.patterns, c.path, c.want)
		}
	}
}

// callRule says what some folders may not call, and why.
type callRule struct {
	why    string
	in     []string // folders
	except []string // packages
	names  []string
}

var calls = []callRule{
	{
		"the rules and the shell take time, chance and lifetimes as values",
		[]string{"pkg/epoch", "pkg/problem", "pkg/object", "pkg/policy", "pkg/journal", "pkg/lesson", "pkg/attendance", "pkg/room", "pkg/doorkeeper"},
		testTools,
		[]string{"time.Now", "time.Since", "time.Until", "time.Sleep", "context.Background", "context.TODO", "rand.Int", "rand.IntN", "rand.Text", "rand.Read"},
	},
	{
		"settings are read and judged in one place",
		[]string{"."},
		[]string{"usher/pkg/config"},
		[]string{"os.Getenv", "os.LookupEnv", "os.Environ", "os.ExpandEnv", "syscall.Getenv"},
	},
}

func TestCalls(t *testing.T) {
	for _, c := range calls {
		t.Run(c.why, func(t *testing.T) {
			for _, dir := range c.in {
				for _, file := range goFiles(t, dir) {
					c.check(t, file)
				}
			}
		})
	}
}

func (c callRule) check(t *testing.T, file string) {
	if matches(c.except, "usher/"+filepath.ToSlash(filepath.Dir(file))) {
		return
	}
	for _, name := range selectors(t, file) {
		if slices.Contains(c.names, name) {
			t.Errorf("%s uses %s, but %s", file, name, c.why)
		}
	}
}

// goFiles are the sources below dir that are not tests.
func goFiles(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "node_modules"):
			return filepath.SkipDir
		case strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go"):
			files = append(files, path)
		}
		return nil
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("%d sources in %s, %v", len(files), dir, err)
	}
	return files
}

// selectors are the names like time.Now that a file uses.
func selectors(t *testing.T, file string) []string {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	ast.Inspect(tree, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok {
				names = append(names, x.Name+"."+s.Sel.Name)
			}
		}
		return true
	})
	return names
}

// TestFunctionsAreTheTemplate: functions/ is exactly the deployed set.
func TestFunctionsAreTheTemplate(t *testing.T) {
	template, err := os.ReadFile("template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var deployed []string
	for _, m := range regexp.MustCompile(`(?m)^\s+CodeUri:\s*functions/(\S+?)/?\s*$`).FindAllStringSubmatch(string(template), -1) {
		deployed = append(deployed, m[1])
	}
	var folders []string
	entries, err := os.ReadDir("functions")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		folders = append(folders, e.Name())
		for _, file := range []string{"main.go", "event.json"} {
			if _, err := os.Stat(filepath.Join("functions", e.Name(), file)); err != nil {
				t.Errorf("functions/%s has no %s: every function is built alike and can be invoked alone", e.Name(), file)
			}
		}
	}
	slices.Sort(deployed)
	if !slices.Equal(deployed, folders) {
		t.Errorf("the template deploys %q, functions/ holds %q", deployed, folders)
	}
}
