package app

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// namespace is that of the metrics in the template.
const namespace = "Usher/${AWS::StackName}"

// described is what a template says of one resource. Of its intrinsic functions (!Ref,
// !Sub, !GetAtt) the text is left.
type described struct {
	Type       string         `yaml:"Type"`
	Properties map[string]any `yaml:"Properties"`
}

// template gives the resources of a type.
func template(t *testing.T, kind string) map[string]map[string]any {
	t.Helper()
	text, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Resources map[string]described `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	found := map[string]map[string]any{}
	for name, r := range all.Resources {
		if r.Type == kind {
			found[name] = r.Properties
		}
	}
	if len(found) == 0 {
		t.Fatalf("the template has no %s", kind)
	}
	return found
}

// series names one series of values: metric, and the value of its one dimension.
type series struct{ metric, dimension string }

// seriesOf reads a metric as an alarm names it.
func seriesOf(of map[string]any) series {
	s := series{metric: of["MetricName"].(string)}
	dimensions, _ := of["Dimensions"].([]any)
	for _, d := range dimensions {
		pair := d.(map[string]any)
		s.dimension += fmt.Sprintf("%s=%s", pair["Name"], pair["Value"])
	}
	return s
}

// sums adds up what lines of CloudWatch's embedded metric format carry, as it does, and
// holds each line to the specification.
func sums(t *testing.T, lines string) map[series]float64 {
	t.Helper()
	all := map[series]float64{}
	for line := range strings.Lines(lines) {
		var root map[string]any
		if err := json.Unmarshal([]byte(line), &root); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		var said struct {
			AWS struct {
				Timestamp         int64
				CloudWatchMetrics []struct {
					Namespace  string
					Dimensions [][]string
					Metrics    []struct{ Name, Unit string }
				}
			} `json:"_aws"`
		}
		if err := json.Unmarshal([]byte(line), &said); err != nil || said.AWS.Timestamp == 0 || len(said.AWS.CloudWatchMetrics) != 1 {
			t.Fatalf("%s: %v", line, err)
		}
		d := said.AWS.CloudWatchMetrics[0]
		if d.Namespace != namespace || len(d.Dimensions) != 1 || len(d.Metrics) == 0 {
			t.Fatalf("a directive says %+v", d)
		}
		dimension := ""
		for _, key := range d.Dimensions[0] {
			value, ok := root[key].(string)
			if !ok || value == "" {
				t.Fatalf("dimension %s in %s", key, line)
			}
			dimension += key + "=" + value
		}
		for _, m := range d.Metrics {
			value, ok := root[m.Name].(float64)
			if !ok || m.Unit != "Count" && m.Unit != "Milliseconds" {
				t.Fatalf("metric %+v in %s", m, line)
			}
			all[series{m.Name, dimension}] += value
		}
	}
	return all
}

// A filter's pattern, as far as the template uses the language of CloudWatch Logs:
// members of a JSON object that equal a text, in which * is anything, all of them.
var term = regexp.MustCompile(`^\$\.(\w+) = "([^"]*)"$`)

// matches reports whether a filter of that pattern finds the line.
func matches(t *testing.T, pattern, line string) bool {
	t.Helper()
	inner, ok := strings.CutPrefix(pattern, "{ ")
	inner, also := strings.CutSuffix(inner, " }")
	if !ok || !also {
		t.Fatalf("pattern %s", pattern)
	}
	var object map[string]any
	if json.Unmarshal([]byte(line), &object) != nil {
		return false
	}
	for each := range strings.SplitSeq(inner, " && ") {
		m := term.FindStringSubmatch(each)
		if m == nil {
			t.Fatalf("term %s is not understood", each)
		}
		value, isText := object[m[1]].(string)
		like := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(m[2]), `\*`, ".*") + "$")
		if !isText || !like.MatchString(value) {
			return false
		}
	}
	return true
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		pattern, line string
		want          bool
	}{
		{`{ $.level = "ERROR" }`, `{"level":"ERROR"}`, true},
		{`{ $.level = "ERROR" }`, `{"level":"ERRORS"}`, false},
		{`{ $.level = "ERROR" }`, `level=ERROR`, false},
		{`{ $.status = "5*" }`, `{"status":"503"}`, true},
		{`{ $.status = "5*" }`, `{"status":503}`, false}, // a number is another language
		{`{ $.path = "ANY /a*" && $.status = "5*" }`, `{"path":"ANY /a/","status":"200"}`, false},
	} {
		if got := matches(t, c.pattern, c.line); got != c.want {
			t.Errorf("%s finds %s: %v", c.pattern, c.line, got)
		}
	}
}
