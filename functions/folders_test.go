// Package functions holds the deployed functions against the template that
// deploys them.
package functions_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"usher/pkg/api"
	"usher/pkg/timer"
)

func read(t testing.TB, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// folders are the functions, by what is there.
func folders(t testing.TB) []string {
	t.Helper()
	mains, err := filepath.Glob("*/main.go")
	if err != nil || len(mains) == 0 {
		t.Fatalf("no functions: %v", err)
	}
	names := make([]string, len(mains))
	for i, main := range mains {
		names[i] = filepath.Dir(main)
	}
	return names
}

// A folder that is not deployed is dead code; a function without a folder
// fails only when it is built.
func TestFoldersAreTheTemplatesFunctions(t *testing.T) {
	pattern := regexp.MustCompile(`(?m)^  (\w+)Function:\n    Type: AWS::Serverless::Function\n(?:.+\n)*?      CodeUri: functions/(\w+)$`)
	var deployed []string
	for _, m := range pattern.FindAllStringSubmatch(read(t, "../template.yaml"), -1) {
		if strings.ToLower(m[1]) != m[2] {
			t.Errorf("%sFunction is built from functions/%s: cloud.mk takes the folder from the name", m[1], m[2])
		}
		deployed = append(deployed, m[2])
	}
	slices.Sort(deployed)
	if d := cmp.Diff(folders(t), deployed); d != "" {
		t.Errorf("folders (-) and template (+):\n%s", d)
	}
	line := regexp.MustCompile(`(?m)^FUNCTIONS := (.+)$`).FindStringSubmatch(read(t, "../cloud.mk"))
	if line == nil {
		t.Fatal("cloud.mk names no functions")
	}
	built := strings.Fields(strings.ToLower(line[1]))
	slices.Sort(built)
	if d := cmp.Diff(folders(t), built); d != "" {
		t.Errorf("folders (-) and cloud.mk (+):\n%s", d)
	}
}

// A variable that nobody reads is a setting without effect.
func TestSettingsOfTheTemplateAreRead(t *testing.T) {
	sources, err := filepath.Glob("../pkg/config/*.go")
	if err != nil || len(sources) == 0 {
		t.Fatalf("no sources: %v", err)
	}
	var config strings.Builder
	for _, path := range sources {
		if !strings.HasSuffix(path, "_test.go") {
			config.WriteString(read(t, path))
		}
	}
	names := regexp.MustCompile(`(?m)^ +((?:USHER|VONAGE|OPENTOK)_\w+):`).FindAllStringSubmatch(read(t, "../template.yaml"), -1)
	if len(names) < 10 {
		t.Fatalf("only %d variables in the template", len(names))
	}
	for _, m := range names {
		if !strings.Contains(config.String(), `"`+m[1]+`"`) {
			t.Errorf("pkg/config does not read %s", m[1])
		}
	}
}

// The callback's path stands in the template as a route, as a route for a slash
// at its end, with the limits of both, and in what is pasted at the platform.
func TestTemplateRoutesTheCallback(t *testing.T) {
	template := read(t, "../template.yaml")
	for _, want := range []string{
		"Path: " + api.WebhookPath + "\n", "Path: " + api.WebhookPath + "/{proxy+}\n",
		"ANY " + api.WebhookPath + ": &callback\n", "ANY " + api.WebhookPath + "/{proxy+}: *callback\n", "https://${Host}" + api.WebhookPath + `"`,
	} {
		if !strings.Contains(template, want) {
			t.Errorf("the template does not say %q", want)
		}
	}
}

// strict decodes the whole text into v, which must know every member.
func strict(t *testing.T, text string, v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		t.Error(err)
	}
}

func TestEvents(t *testing.T) {
	for name, check := range map[string]func(*testing.T, string){
		"webhook": func(t *testing.T, text string) {
			var e events.APIGatewayV2HTTPRequest
			strict(t, text, &e)
			if e.RawPath != api.WebhookPath || e.RequestContext.HTTP.Method != "POST" || !json.Valid([]byte(e.Body)) {
				t.Errorf("%s %s %s", e.RequestContext.HTTP.Method, e.RawPath, e.Body)
			}
		},
		"rooms": func(t *testing.T, text string) {
			var e events.APIGatewayV2HTTPRequest
			strict(t, text, &e)
			if e.RawPath != "/healthz" {
				t.Errorf("path %s", e.RawPath)
			}
		},
		"expire": func(t *testing.T, text string) {
			m, err := timer.Decode(text)
			if err != nil || m.Wake == nil {
				t.Errorf("%+v, %v", m, err)
			}
		},
		"tasks": func(t *testing.T, text string) {
			var e events.SQSEvent
			strict(t, text, &e)
			for _, r := range e.Records {
				if _, err := timer.Decode(r.Body); err != nil {
					t.Error(err)
				}
			}
			if len(e.Records) != 2 {
				t.Errorf("%d messages, want a wake and an event", len(e.Records))
			}
		},
		"sweep": func(t *testing.T, text string) {
			var e events.EventBridgeEvent
			strict(t, text, &e)
		},
	} {
		t.Run(name, func(t *testing.T) { check(t, read(t, filepath.Join(name, "event.json"))) })
	}
	if got, _ := filepath.Glob("*/event.json"); len(got) != len(folders(t)) {
		t.Errorf("events: %v", got)
	}
}

// What is called is the alias, and it follows each property: also a parameter's value,
// which SAM compares only where it has been written out before.
func TestFunctionsArePublished(t *testing.T) {
	template := read(t, "../template.yaml")
	for _, want := range []string{"\nTransform: [AWS::LanguageExtensions, AWS::Serverless-2016-10-31]\n", "\n    AutoPublishAlias: live\n"} {
		if !strings.Contains(template, want) {
			t.Errorf("the template does not say %q", want)
		}
	}
	if n := strings.Count(template, "\n      AutoPublishAliasAllProperties: true\n"); n != len(folders(t)) {
		t.Errorf("%d functions are published anew for each property, want %d", n, len(folders(t)))
	}
}

// CloudFormation makes a secret anew, and throws away what was put there, when anything
// of its GenerateSecretString has changed since it was made.
func TestSecretsAreNeverMadeAnew(t *testing.T) {
	var template struct {
		Resources map[string]struct {
			Type, DeletionPolicy, UpdateReplacePolicy string
			Properties                                struct{ GenerateSecretString map[string]any }
		}
	}
	var raw map[string]any
	if err := yaml.Unmarshal([]byte(read(t, "../template.yaml")), &raw); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{"Resources": raw["Resources"]})
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	got := map[string]map[string]any{}
	for name, r := range template.Resources {
		if r.Type != "AWS::SecretsManager::Secret" {
			continue
		}
		got[name] = r.Properties.GenerateSecretString
		if r.DeletionPolicy != "Retain" || r.UpdateReplacePolicy != "Retain" {
			t.Errorf("%s is deleted with the stack", name)
		}
	}
	made := func(key string) map[string]any {
		return map[string]any{"SecretStringTemplate": "{}", "GenerateStringKey": key, "PasswordLength": 48.0, "ExcludePunctuation": true}
	}
	want := map[string]map[string]any{
		"Secret": made("USHER_API_SECRET"), "ApiSecret": made("USHER_API_SECRET"), "TicketSecret": made("USHER_TICKET_SECRET"),
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("deployments that exist have secrets of these (-), the template (+):\n%s", d)
	}
}

// Every queue is reached by TLS alone.
func TestQueuesDemandTLS(t *testing.T) {
	var template struct {
		Resources map[string]struct {
			Type       string         `yaml:"Type"`
			Properties map[string]any `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal([]byte(read(t, "../template.yaml")), &template); err != nil {
		t.Fatal(err)
	}
	policy := template.Resources["QueuesByTLS"].Properties
	queues, _ := policy["Queues"].([]any)
	want := map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
		"Sid": "OnlyByTLS", "Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": "*",
		"Condition": map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}},
	}}}
	if d := cmp.Diff(want, policy["PolicyDocument"]); d != "" {
		t.Errorf("the policy of the queues:\n%s", d)
	}
	n := 0
	for name, r := range template.Resources {
		if r.Type != "AWS::SQS::Queue" {
			continue
		}
		if n++; !slices.Contains(queues, any(name)) {
			t.Errorf("%s takes requests without TLS", name)
		}
	}
	if n != len(queues) {
		t.Errorf("the policy stands at %v, and there are %d queues", queues, n)
	}
}

// No wildcard finds what stands under testdata, so that it would break unseen.
func TestStandInsBuild(t *testing.T) {
	cmd := exec.Command("go", "build", "-o", filepath.Join(t.TempDir(), "standins"), "../testdata/standins")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// What sam local makes of a variable that names a resource is no address of anything.
func TestLocalVariablesAreTheTemplates(t *testing.T) {
	var file struct{ Parameters map[string]string }
	strict(t, read(t, "../testdata/sam/env.json"), &file)
	names := regexp.MustCompile(`\b((?:AWS_ENDPOINT|USHER|VONAGE|OPENTOK)_\w+): `)
	var declared []string
	for _, m := range names.FindAllStringSubmatch(read(t, "../template.yaml"), -1) {
		declared = append(declared, m[1])
	}
	slices.Sort(declared)
	if d := cmp.Diff(slices.Compact(declared), slices.Sorted(maps.Keys(file.Parameters))); d != "" {
		t.Errorf("template (-) and testdata/sam/env.json (+):\n%s", d)
	}
}
