//go:build verify

package functions_test

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What the emulator lets through unseen: which role is passed, what the scheduler may do
// with it, who may call a function. Each is held to what the functions are told.

// stack is the expanded template as it stands.
type stack map[string]struct {
	Type       string
	Properties map[string]any
}

func expanded(t *testing.T) stack {
	t.Helper()
	var template struct{ Resources stack }
	if err := json.Unmarshal([]byte(read(t, expand(t))), &template); err != nil {
		t.Fatal(err)
	}
	return template.Resources
}

// at follows names into values.
func at(v any, names ...string) any {
	for _, name := range names {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

func attribute(resource, name string) any {
	return map[string]any{"Fn::GetAtt": []any{resource, name}}
}

func reference(resource string) any { return map[string]any{"Ref": resource} }

// told are the functions with this variable, and its value.
func (s stack) told(variable string) map[string]any {
	all := map[string]any{}
	for name, r := range s {
		if v := at(r.Properties["Environment"], "Variables", variable); r.Type == "AWS::Lambda::Function" && v != nil {
			all[name] = v
		}
	}
	return all
}

// grants are the statements that allow a role an action.
func (s stack) grants(role, action string) (all []map[string]any) {
	policies, _ := s[role].Properties["Policies"].([]any)
	for _, policy := range policies {
		statements, _ := at(policy, "PolicyDocument", "Statement").([]any)
		for _, one := range statements {
			statement := one.(map[string]any)
			if statement["Effect"] == "Allow" && slices.Contains(list(statement["Action"]), any(action)) {
				all = append(all, statement)
			}
		}
	}
	return all
}

// list is v, or what it is a list of.
func list(v any) []any {
	if all, ok := v.([]any); ok {
		return all
	}
	return []any{v}
}

// Whoever makes schedules may pass one role, to the scheduler alone, and makes them in
// one group.
func TestPassRole(t *testing.T) {
	s := expanded(t)
	makers := s.told("USHER_SCHEDULE_ROLE_ARN")
	if len(makers) != 4 {
		t.Fatalf("functions that make schedules: %v", makers)
	}
	for name := range s {
		if s[name].Type != "AWS::Lambda::Function" {
			continue
		}
		role := name + "Role"
		pass, create := s.grants(role, "iam:PassRole"), s.grants(role, "scheduler:CreateSchedule")
		if makers[name] == nil {
			if len(pass)+len(create) > 0 {
				t.Errorf("%s makes no schedules, and may pass %v and create %v", name, pass, create)
			}
			continue
		}
		want := []map[string]any{{
			"Effect": "Allow", "Action": "iam:PassRole", "Resource": makers[name],
			"Condition": map[string]any{"StringEquals": map[string]any{"iam:PassedToService": "scheduler.amazonaws.com"}},
		}}
		if d := cmp.Diff(want, pass); d != "" || !cmp.Equal(makers[name], attribute("AlarmsRole", "Arn")) {
			t.Errorf("%s is told to pass %v:\n%s", name, makers[name], d)
		}
		const schedules = "arn:${AWS::Partition}:scheduler:${AWS::Region}:${AWS::AccountId}:schedule/${Alarms}/*"
		if len(create) != 1 || !cmp.Equal(create[0]["Resource"], any(map[string]any{"Fn::Sub": schedules})) || !cmp.Equal(s.told("USHER_SCHEDULE_GROUP")[name], reference("Alarms")) {
			t.Errorf("%s may create %v", name, create)
		}
	}
}

// The scheduler takes the role for the stack's own group only. With it it may call what
// schedules name, also those from before the alias, and keep what it could not deliver.
func TestSchedulersRole(t *testing.T) {
	s := expanded(t)
	want := []any{map[string]any{
		"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": map[string]any{"Service": "scheduler.amazonaws.com"},
		"Condition": map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": reference("AWS::AccountId"), "aws:SourceArn": attribute("Alarms", "Arn")}},
	}}
	if d := cmp.Diff(any(want), at(s["AlarmsRole"].Properties["AssumeRolePolicyDocument"], "Statement")); d != "" {
		t.Errorf("who may take it:\n%s", d)
	}
	for variable, tt := range map[string]struct {
		action string
		target any
		may    []any
	}{
		"USHER_SCHEDULE_TARGET_ARN":   {"lambda:InvokeFunction", reference("ExpireFunctionAliaslive"), []any{reference("ExpireFunctionAliaslive"), attribute("ExpireFunction", "Arn")}},
		"USHER_SCHEDULE_FAILURES_ARN": {"sqs:SendMessage", attribute("AlarmsDead", "Arn"), []any{attribute("AlarmsDead", "Arn")}},
	} {
		for name, target := range s.told(variable) {
			if !cmp.Equal(target, tt.target) {
				t.Errorf("%s is told %s %v, want %v", name, variable, target, tt.target)
			}
		}
		grants := s.grants("AlarmsRole", tt.action)
		if len(grants) != 1 {
			t.Fatalf("%s is allowed by %v", tt.action, grants)
		}
		if d := cmp.Diff(tt.may, list(grants[0]["Resource"])); d != "" {
			t.Errorf("%s:\n%s", tt.action, d)
		}
	}
}

// Each route may call the alias that it goes to, the minute's rule that of the sweep, and
// nobody else may call anything.
func TestWhoMayCall(t *testing.T) {
	s := expanded(t)
	paths, _ := at(s["Api"].Properties["Body"], "paths").(map[string]any)
	if len(paths) != 3 {
		t.Fatalf("routes %v", slices.Collect(maps.Keys(paths)))
	}
	used := map[string]bool{}
	for path, methods := range paths {
		uri, _ := at(methods, "x-amazon-apigateway-any-method", "x-amazon-apigateway-integration", "uri", "Fn::Sub").(string)
		alias := regexp.MustCompile(`functions/\$\{(\w+)\}/invocations$`).FindStringSubmatch(uri)
		if alias == nil || s[alias[1]].Type != "AWS::Lambda::Alias" {
			t.Errorf("%s goes to %s", path, uri)
			continue
		}
		source := "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:Api/$default/ANY" + path
		if path == "/$default" {
			source = strings.Replace(source, "ANY/", "", 1)
		}
		for name, r := range s {
			if r.Type == "AWS::Lambda::Permission" && r.Properties["Principal"] == "apigateway.amazonaws.com" &&
				cmp.Equal(r.Properties["FunctionName"], reference(alias[1])) && covers(r.Properties["SourceArn"], source) {
				used[path], used[name] = true, true
			}
		}
		if !used[path] {
			t.Errorf("nobody lets %s call %s", path, alias[1])
		}
	}
	rule := s["SweepFunctionEachMinute"].Properties
	for name, r := range s {
		if r.Type != "AWS::Lambda::Permission" || used[name] {
			continue
		}
		if r.Properties["Principal"] != "events.amazonaws.com" || !cmp.Equal(r.Properties["SourceArn"], attribute("SweepFunctionEachMinute", "Arn")) ||
			!cmp.Equal(r.Properties["FunctionName"], at(list(rule["Targets"])[0], "Arn")) {
			t.Errorf("%s lets in %v", name, r.Properties)
		}
	}
}

// covers tells whether the pattern that SAM writes takes a route of the stack's API.
func covers(pattern any, source string) bool {
	parts, _ := at(pattern, "Fn::Sub").([]any)
	if len(parts) != 2 || !cmp.Equal(at(parts[1], "__ApiId__"), reference("Api")) {
		return false
	}
	stage, _ := at(parts[1], "__Stage__").(string)
	text := strings.NewReplacer("${__ApiId__}", "Api", "${__Stage__}", stage).Replace(parts[0].(string))
	return regexp.MustCompile(`^` + strings.ReplaceAll(regexp.QuoteMeta(text), `\*`, `.*`) + `$`).MatchString(source)
}

// Queues and the rule call aliases: a version that is rolled back is called by nobody.
func TestSourcesCallAliases(t *testing.T) {
	s, n := expanded(t), 0
	for name, r := range s {
		target := r.Properties["FunctionName"]
		switch r.Type {
		case "AWS::Lambda::EventSourceMapping":
		case "AWS::Events::Rule":
			target = at(list(r.Properties["Targets"])[0], "Arn")
		default:
			continue
		}
		n++
		if alias, _ := at(target, "Ref").(string); s[alias].Type != "AWS::Lambda::Alias" {
			t.Errorf("%s calls %v", name, target)
		}
	}
	if n != 6 {
		t.Errorf("%d sources, want five queues and a rule", n)
	}
}

// A function may read the secrets that it is told of, and no other's.
func TestSecretsOfFunctions(t *testing.T) {
	s := expanded(t)
	want := map[string][]any{
		"WebhookFunction": {attribute("Secret", "Id")},
		"TasksFunction":   {attribute("Secret", "Id")},
		"SweepFunction":   {attribute("Secret", "Id")},
		"RoomsFunction":   {attribute("Secret", "Id"), attribute("ApiSecret", "Id"), attribute("TicketSecret", "Id")},
		"ExpireFunction":  nil,
	}
	for name, secrets := range want {
		var told, may []any
		for _, variable := range []string{"USHER_SECRET_ARN", "USHER_API_SECRET_ARN", "USHER_TICKET_SECRET_ARN"} {
			if v := s.told(variable)[name]; v != nil {
				told = append(told, v)
			}
		}
		for _, grant := range s.grants(name+"Role", "secretsmanager:GetSecretValue") {
			may = append(may, list(grant["Resource"])...)
		}
		if d := cmp.Diff(secrets, told); d != "" {
			t.Errorf("%s is told of:\n%s", name, d)
		}
		if d := cmp.Diff(secrets, may); d != "" {
			t.Errorf("%s may read:\n%s", name, d)
		}
	}
}
