//go:build verify

package functions_test

import (
	"bytes"
	"debug/elf"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/pkg/childtest"
)

// tool is a program that the SAM CLI's installation brought.
func tool(t testing.TB, name string) string {
	t.Helper()
	cache := os.Getenv("USHER_VERIFY")
	if cache == "" {
		t.Fatal("USHER_VERIFY does not name the folder of installed tools: use make verify")
	}
	found, err := filepath.Glob(filepath.Join(cache, "sam", name))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s is not installed under %s: use make sam-tools (%v)", name, cache, err)
	}
	return found[0]
}

// run runs a program in the project's folder.
func run(t testing.TB, env []string, program string, args ...string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = ".."
	cmd.Env = append(append(os.Environ(), "SAM_CLI_TELEMETRY=0"), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(program), strings.Join(args, " "), err, out)
	}
}

// expand gives the CloudFormation that AWS makes of the template.
func expand(t testing.TB) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "expanded.json")
	run(t, nil, tool(t, "bin/python"), "testdata/sam/expand.py", "template.yaml", path)
	return path
}

func TestTemplate(t *testing.T) {
	t.Run("as written", func(t *testing.T) {
		run(t, nil, tool(t, "bin/sam"), "validate", "--lint", "--region", "eu-central-1")
	})
	t.Run("as expanded", func(t *testing.T) {
		// SAM writes out what Tracing and Rollout say, and leaves nothing of them.
		run(t, nil, tool(t, "bin/cfn-lint"), "--ignore-checks", "W2001", "W7001", "--regions", "eu-central-1", "--template", expand(t))
	})
}

// Lambda takes more, but a function's start gets slower with its size.
const mostZipMB = 5

// mostMB is more for rooms, whose templates make the linker keep all methods.
func mostMB(function string) float64 {
	if function == "rooms" {
		return 14
	}
	return 12
}

func TestBuildAndInvoke(t *testing.T) {
	for _, arch := range []struct {
		name, goarch string
		machine      elf.Machine
	}{
		{"arm64", "arm64", elf.EM_AARCH64},
		{"x86_64", "amd64", elf.EM_X86_64},
	} {
		t.Run(arch.name, func(t *testing.T) {
			dir := t.TempDir()
			run(t, []string{"GOARCH=" + arch.goarch, "VERSION=" + buildVersion}, tool(t, "bin/sam"), "build", "--build-dir", dir,
				"--parameter-overrides", "Architecture="+arch.name)
			for _, name := range folders(t) {
				binary := filepath.Join(dir, strings.ToUpper(name[:1])+name[1:]+"Function", "bootstrap")
				t.Run(name, func(t *testing.T) {
					checkBinary(t, binary, arch.machine, mostMB(name))
					if arch.machine == elf.EM_X86_64 {
						checkAnswer(t, name, binary)
					}
				})
			}
		})
	}
}

func checkBinary(t *testing.T, binary string, machine elf.Machine, most float64) {
	f, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Machine != machine {
		t.Errorf("built for %v, want %v", f.Machine, machine)
	}
	if libs, err := f.ImportedLibraries(); err != nil || len(libs) > 0 {
		t.Errorf("linked with %v (%v): Lambda has none of them", libs, err)
	}
	raw, zipped := sizes(t, binary)
	t.Logf("%.1f MB, zipped %.1f MB", raw, zipped)
	if raw > most || zipped > mostZipMB {
		t.Errorf("%.1f MB, zipped %.1f MB: want at most %g and %d", raw, zipped, most, mostZipMB)
	}
}

// buildVersion is what the build is told that it is, and healthz says.
const buildVersion = "v1-of-a-test"

// answers are what the functions say to their event.json, and what they asked
// of AWS for it.
var answers = map[string]struct {
	says  string // a regular expression
	asked []string
}{
	"webhook": {`^\{"statusCode":200,.*"body":"\{\}\\n?"`, []string{"GetSecretValue", "GetItem"}},
	"rooms":   {`^\{"statusCode":200,.*"body":"\{.*` + buildVersion + `\\"`, []string{"GetSecretValue"}},
	"expire":  {`^null$`, []string{"SendMessage"}},
	"tasks":   {`^\{"batchItemFailures":\[\]\}$`, []string{"GetSecretValue", "GetItem"}},
	"sweep":   {`^null$`, []string{"GetSecretValue", "Query"}},
}

func checkAnswer(t *testing.T, name, binary string) {
	want, ok := answers[name]
	if !ok {
		t.Fatal("nothing is said of its answer")
	}
	account := newAccount(t)
	got := emulate(t, binary, account.environment(), read(t, filepath.Join(name, "event.json")))
	if !regexp.MustCompile(want.says).MatchString(got) {
		t.Errorf("answered %s, want %s", got, want.says)
	}
	for _, operation := range want.asked {
		if _, ok := account.heard(operation); !ok {
			t.Errorf("did not ask for %s, only for %v", operation, account.called)
		}
	}
}

// TestWhatAFunctionSays: in its log are the request, with the id that Lambda gave the
// call, and the metrics.
func TestWhatAFunctionSays(t *testing.T) {
	var said bytes.Buffer
	measure(t, buildFunction(t, "./webhook"), newAccount(t).environment(), []byte(read(t, "webhook/event.json")), &said)
	for _, want := range []string{
		`"msg":"request","method":"POST","path":"/session-monitoring","status":200`, `"requestId":"1"`,
		`"Result":"heard","Webhooks":1,"_aws":{`, `"Namespace":"Usher/test"`,
	} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("no %s in\n%s", want, &said)
		}
	}
}

// emulate runs a function under Lambda's runtime interface emulator and sends
// it one event.
func emulate(t *testing.T, binary string, env []string, event string) (answer string) {
	t.Helper()
	rie := tool(t, "lib/python3*/site-packages/samcli/local/rapid/aws-lambda-rie-x86_64")
	url := "http://" + childtest.Addr(t)
	cmd := exec.Command(rie, "--runtime-interface-emulator-address", strings.TrimPrefix(url, "http://"), "--runtime-api-address", childtest.Addr(t), binary)
	cmd.Env = append(slices.Clone(env), "PATH="+os.Getenv("PATH"))
	cmd.Dir = t.TempDir()
	childtest.Serve(t, cmd, url, 0)
	w, err := http.Post(url+"/2015-03-31/functions/function/invocations", "application/json", strings.NewReader(event))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Body.Close()
	body, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// A statement, a role's policy and a role, as far as they matter here.
type statement struct {
	Effect                        string
	Action, Resource, NotResource any
}

type resource struct {
	Type       string
	Properties struct {
		Role              map[string]any
		ManagedPolicyArns []string
		Policies          []struct {
			PolicyDocument struct{ Statement []statement }
		}
	}
}

func resources(t *testing.T) map[string]resource {
	t.Helper()
	var template struct{ Resources map[string]resource }
	if err := json.Unmarshal([]byte(read(t, expand(t))), &template); err != nil {
		t.Fatal(err)
	}
	return template.Resources
}

// managed are the actions that AWS's own policies, which SAM adds to a role that
// it makes, allow for all of an account's logs and queues.
var managed = map[string][]string{
	"arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole": {
		"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents",
	},
	"arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole": {
		"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents",
		"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage",
	},
}

// named tells whether a statement's resources are all the template's own.
func named(resources any) bool {
	all, ok := resources.([]any)
	if !ok {
		all = []any{resources}
	}
	for _, r := range all {
		if _, ok := r.(map[string]any); !ok {
			return false
		}
	}
	return len(all) > 0
}

func actions(s statement) []string {
	switch a := s.Action.(type) {
	case string:
		return []string{a}
	case []any:
		var all []string
		for _, one := range a {
			all = append(all, one.(string))
		}
		return all
	}
	return nil
}

// denies tells whether a pattern of the statement's is the action's.
func denies(s statement, action string) bool {
	return s.Effect == "Deny" && slices.ContainsFunc(actions(s), func(pattern string) bool {
		ok, _ := path.Match(pattern, action)
		return ok
	})
}

// allowed are the actions that are left to a role, sorted. Each must be for named
// resources: by what allows it, or because all others are denied.
func allowed(t *testing.T, role resource) []string {
	t.Helper()
	if role.Type != "AWS::IAM::Role" {
		t.Fatalf("not a role: %+v", role)
	}
	var statements []statement
	for _, policy := range role.Properties.Policies {
		statements = append(statements, policy.PolicyDocument.Statement...)
	}
	var all, anywhere []string
	for _, s := range statements {
		switch {
		case s.Effect == "Allow" && s.NotResource == nil && named(s.Resource):
			all = append(all, actions(s)...)
		case s.Effect == "Deny" && s.NotResource == nil && s.Resource == "*":
		case s.Effect == "Deny" && s.Resource == nil && named(s.NotResource):
		default:
			t.Errorf("statement %+v is not for named resources", s)
		}
	}
	for _, arn := range role.Properties.ManagedPolicyArns {
		if managed[arn] == nil {
			t.Fatalf("nothing is known of %s", arn)
		}
		anywhere = append(anywhere, managed[arn]...)
	}
	for _, action := range anywhere {
		if !slices.ContainsFunc(statements, func(s statement) bool { return denies(s, action) }) {
			t.Errorf("%s is allowed for any resource", action)
		}
	}
	all = slices.DeleteFunc(append(all, anywhere...), func(action string) bool {
		return slices.ContainsFunc(statements, func(s statement) bool { return s.NotResource == nil && denies(s, action) })
	})
	slices.Sort(all)
	return slices.Compact(all)
}

var operation = regexp.MustCompile(`service/([a-z]+)\.\(\*Client\)\.([A-Z][A-Za-z]+)\n`)

// needed are the actions for the SDK's operations that the linker left in a
// function, and for what Lambda does in its name.
func needed(t *testing.T, name string) []string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), name)
	run(t, []string{"CGO_ENABLED=0"}, "go", "build", "-buildvcs=false", "-tags", "lambda.norpc", "-o", binary, "./functions/"+name)
	symbols, err := exec.Command("go", "tool", "nm", binary).Output()
	if err != nil {
		t.Fatal(err)
	}
	all := []string{"logs:CreateLogStream", "logs:PutLogEvents"}
	for _, m := range operation.FindAllStringSubmatch(string(symbols), -1) {
		switch m[2] {
		case "DescribeEndpoints": // never called without endpoint discovery
		case "TransactWriteItems": // allowed by the actions of its items
			all = append(all, "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem")
		case "CreateSchedule":
			all = append(all, "scheduler:CreateSchedule", "iam:PassRole")
		default:
			all = append(all, m[1]+":"+m[2])
		}
	}
	if name == "tasks" { // for the event source
		all = append(all, "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Each function may do what it can do, and nothing else.
func TestLeastPrivilege(t *testing.T) {
	all := resources(t)
	for _, name := range folders(t) {
		t.Run(name, func(t *testing.T) {
			function := all[strings.ToUpper(name[:1])+name[1:]+"Function"]
			role, ok := function.Properties.Role["Fn::GetAtt"].([]any)
			if !ok {
				t.Fatalf("role %v", function.Properties.Role)
			}
			if d := cmp.Diff(needed(t, name), allowed(t, all[role[0].(string)])); d != "" {
				t.Errorf("needed (-) and allowed (+):\n%s", d)
			}
		})
	}
	t.Run("schedules", func(t *testing.T) {
		if d := cmp.Diff([]string{"lambda:InvokeFunction", "sqs:SendMessage"}, allowed(t, all["AlarmsRole"])); d != "" {
			t.Error(d)
		}
	})
}
