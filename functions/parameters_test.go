package functions_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"usher/pkg/config"
)

// parameter is one of the template's, as far as it bounds its value.
type parameter struct {
	Type                  string   `yaml:"Type"`
	Default               string   `yaml:"Default"`
	AllowedPattern        string   `yaml:"AllowedPattern"`
	AllowedValues         []string `yaml:"AllowedValues"`
	MinValue              *float64 `yaml:"MinValue"`
	MaxValue              *float64 `yaml:"MaxValue"`
	ConstraintDescription string   `yaml:"ConstraintDescription"`
}

func parameters(t *testing.T) map[string]parameter {
	t.Helper()
	var template struct {
		Parameters map[string]parameter `yaml:"Parameters"`
	}
	if err := yaml.Unmarshal([]byte(read(t, "../template.yaml")), &template); err != nil {
		t.Fatal(err)
	}
	if len(template.Parameters) < 10 {
		t.Fatalf("only %d parameters", len(template.Parameters))
	}
	return template.Parameters
}

// takes tells whether CloudFormation would take the value.
func (p parameter) takes(value string) bool {
	switch {
	case p.AllowedValues != nil:
		return slices.Contains(p.AllowedValues, value)
	case p.Type == "Number":
		n, err := strconv.ParseFloat(value, 64)
		return err == nil && n >= *p.MinValue && n <= *p.MaxValue
	default:
		return regexp.MustCompile(`\A(?:` + p.AllowedPattern + `)\z`).MatchString(value)
	}
}

// bounded tells whether anything says what a value may be.
func (p parameter) bounded() bool {
	if p.Type == "Number" {
		return p.AllowedValues != nil || p.MinValue != nil && p.MaxValue != nil
	}
	return p.AllowedValues != nil || p.AllowedPattern != ""
}

// tried are the values that each parameter must take, and must refuse.
var tried = map[string]struct {
	variable string // what it becomes
	good     []string
	bad      []string
}{
	"Architecture":       {"", []string{"arm64", "x86_64"}, []string{"", "amd64"}},
	"ApplicationId":      {"VONAGE_APPLICATION_ID", []string{"", "4bc7f2a0-6d1e-4f83-9a25-0c8b7e6d5f41", "4BC7F2A0-6D1E-4F83-9A25-0C8B7E6D5F41"}, []string{" ", "47000001", "4bc7f2a0", `"4bc7f2a0-6d1e-4f83-9a25-0c8b7e6d5f41"`, "-----BEGIN PRIVATE KEY-----"}},
	"ApiKey":             {"OPENTOK_API_KEY", []string{"", "47000001"}, []string{"0123456789abcdef0123456789abcdef01234567", "4bc7f2a0-6d1e-4f83-9a25-0c8b7e6d5f41", "47000001 "}},
	"VideoUrl":           {"VONAGE_VIDEO_URL", []string{"", "https://video.api.vonage.com", "https://localhost:8443/a/b/"}, []string{"video.api.vonage.com", "http://video.api.vonage.com", "http://127.0.0.1:5000", "https://user:word@video.example.com", "https://video.example.com?a=b", "https://video.example.com/#a"}},
	"Origins":            {"USHER_ORIGINS", []string{"", "https://school.example", "https://school.example,http://localhost:3000", "https://a.example, https://b.example"}, []string{"*", "school.example", "https://School.example", "https://school.example/", "https://a.example https://b.example", "https://a.example,"}},
	"TokenSeconds":       {"USHER_TOKEN_SECONDS", []string{"30", "60", "300"}, []string{"", "29", "301", "60.5", "060", "1e2", "a minute"}},
	"RetentionDays":      {"USHER_RETENTION_DAYS", []string{"1", "90", "365", "400"}, []string{"", "0", "401", "90.5", "090", "90 "}},
	"EventsUrl":          {"USHER_EVENTS_URL", []string{"", "https://school.example/usher", "https://school.example:8443?a=b"}, []string{"school.example", "http://school.example", "https://user:word@school.example", "https://school.example/#a", "https://school.example/a b"}},
	"ForwardUrl":         {"USHER_FORWARD_URL", []string{"", "https://listener.example/vonage?a=b"}, []string{"listener.example", "ftp://listener.example", "https://user@listener.example", "https://listener.example/#a"}},
	"ForwardPrivate":     {"USHER_FORWARD_PRIVATE", []string{"", "true"}, []string{"yes", "True", " "}},
	"LogDays":            {"", []string{"1", "30", "365"}, []string{"", "0", "2", "366"}},
	"AlarmTopic":         {"", []string{"", "arn:aws:sns:eu-central-1:123456789012:alarms", "arn:aws-us-gov:sns:us-gov-west-1:123456789012:a_b-c.fifo"}, []string{"alarms", "somebody@school.example", "arn:aws:sqs:eu-central-1:123456789012:alarms", "arn:aws:sns:eu-central-1:123456789012:alarms:4bc7f2a0"}},
	"AlarmEmail":         {"", []string{"", "ops@school.example", "ops+usher@mail.school.example"}, []string{"ops", "ops@school", "ops@school.example,head@school.example", "a b@school.example", "<ops@school.example> "}},
	"Tracing":            {"", []string{"Disabled", "Active"}, []string{"", "active", "PassThrough"}},
	"WebhookConcurrency": {"", []string{"0", "100"}, []string{"", "-1", "all"}},
	"RoomsConcurrency":   {"", []string{"0", "100"}, []string{"", "-1", "all"}},
	"CallbackSources":    {"USHER_CALLBACK_SOURCES", []string{"", "192.0.2.0/24", "192.0.2.0/24,198.51.100.7, 2001:db8::/32", "::1,2001:db8:1:2:3:4:5:6/128,0.0.0.0/0", "2001:db8::1:2:3:4,::/0,fe80::"}, []string{" ", "192.0.2.0/33", "192.0.2.256", "192.0.2/24", "192.0.2.0/", "2001:db8::/129", "::1::", "1:2:3:4:5:6:7", "vonage.example", "192.0.2.0/24;198.51.100.7", "192.0.2.0/24,"}},
	"TableName":          {"USHER_TABLE", []string{"", "usher-Table-1ABC.restored_2"}, []string{"ab", "a table", "arn:aws:dynamodb:eu-central-1:123456789012:table/usher"}},
	"DomainName":         {"", []string{"", "usher.school.example", "a-b.example"}, []string{"school", "Usher.school.example", "https://usher.school.example", "usher.school.example/", "*.school.example", "-a.example"}},
	"CertificateArn":     {"", []string{"", "arn:aws:acm:eu-central-1:123456789012:certificate/4bc7f2a0-6d1e-4f83-9a25-0c8b7e6d5f41"}, []string{"usher.school.example", "arn:aws:iam::123456789012:server-certificate/usher"}},
	"Rollout":            {"", []string{"AllAtOnce", "Canary10Percent5Minutes"}, []string{"", "Canary", "CodeDeployDefault.LambdaAllAtOnce"}},
}

// CloudFormation refuses a wrong value before it touches anything, and says of it
// ConstraintDescription alone.
func TestParametersCannotBeWrong(t *testing.T) {
	for name, p := range parameters(t) {
		t.Run(name, func(t *testing.T) {
			if !p.bounded() {
				t.Fatal("takes any value: give it AllowedValues, an AllowedPattern, or MinValue and MaxValue")
			}
			if d := p.ConstraintDescription; !strings.HasPrefix(d, name+" must ") || !strings.HasSuffix(d, ".") {
				t.Errorf("says %q of a wrong value, want a sentence that begins with %q", d, name+" must ")
			}
			if !p.takes(p.Default) {
				t.Errorf("does not take its own default %q", p.Default)
			}
			values, ok := tried[name]
			if !ok {
				t.Fatal("nothing is tried of it")
			}
			for _, value := range values.good {
				if !p.takes(value) {
					t.Errorf("does not take %q", value)
				}
				if err := settings(values.variable, value); err != nil {
					t.Errorf("takes %q, but the functions do not: %v", value, err)
				}
			}
			for _, value := range values.bad {
				if p.takes(value) {
					t.Errorf("takes %q", value)
				}
			}
		})
	}
}

// settings reads a variable as the local program does, which reads all that the
// functions read. What goes with it is set too.
func settings(variable, value string) error {
	env := map[string]string{
		"VONAGE_SIGNATURE_SECRET": "a secret of callbacks, of forty bytes or so",
		"USHER_EVENTS_URL":        "https://school.example", "USHER_EVENTS_SECRET": "whsec_" + strings.Repeat("MDEy", 10),
		"OPENTOK_API_KEY": "47000001", "OPENTOK_API_SECRET": "0123456789abcdef0123456789abcdef01234567",
	}
	switch {
	case value == "":
		return nil
	case variable == "VONAGE_APPLICATION_ID":
		delete(env, "OPENTOK_API_KEY")
		delete(env, "OPENTOK_API_SECRET")
		env["VONAGE_PRIVATE_KEY"] = privateKey()
	}
	env[variable] = value
	_, err := config.Load(func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	return err
}

func privateKey() string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}
