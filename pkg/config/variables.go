package config

import (
	"os"
	"strings"
	"unicode"

	"github.com/caarlos0/env/v11"
)

// Lookup finds an environment variable, as os.LookupEnv does. A variable that
// is empty counts as not set.
type Lookup func(name string) (value string, found bool)

// Environment is the process's own environment.
func Environment(name string) (string, bool) { return os.LookupEnv(name) }

// variables are the settings as text, without the white space around them.
type variables struct {
	Addr              string `env:"USHER_ADDR" envDefault:"127.0.0.1:5000"`
	Rooms             string `env:"USHER_ROOMS"`
	Data              string `env:"USHER_DATA" envDefault:"usher.db"`
	Store             string `env:"USHER_STORE"`
	Table             string `env:"USHER_TABLE" envDefault:"usher"`
	DynamoEndpoint    string `env:"AWS_ENDPOINT_URL_DYNAMODB"`
	AccessKey         string `env:"AWS_ACCESS_KEY_ID"`
	Profile           string `env:"AWS_PROFILE"`
	ApplicationID     string `env:"VONAGE_APPLICATION_ID"`
	PrivateKey        string `env:"VONAGE_PRIVATE_KEY"`
	OpenTokKey        string `env:"OPENTOK_API_KEY"`
	OpenTokSecret     string `env:"OPENTOK_API_SECRET"`
	URL               string `env:"VONAGE_VIDEO_URL"`
	SignatureSecret   string `env:"VONAGE_SIGNATURE_SECRET"`
	PreviousSignature string `env:"VONAGE_SIGNATURE_SECRET_PREVIOUS"`
	APISecret         string `env:"USHER_API_SECRET"`
	PreviousAPI       string `env:"USHER_API_SECRET_PREVIOUS"`
	TicketSecret      string `env:"USHER_TICKET_SECRET"`
	PreviousTicket    string `env:"USHER_TICKET_SECRET_PREVIOUS"`
	Origins           string `env:"USHER_ORIGINS"`
	TokenSeconds      string `env:"USHER_TOKEN_SECONDS" envDefault:"60"`
	RetentionDays     string `env:"USHER_RETENTION_DAYS" envDefault:"90"`
	EventsURL         string `env:"USHER_EVENTS_URL"`
	EventsSecret      string `env:"USHER_EVENTS_SECRET"`
	CallbackSources   string `env:"USHER_CALLBACK_SOURCES"`
	ForwardURL        string `env:"USHER_FORWARD_URL"`
	ForwardPrivate    string `env:"USHER_FORWARD_PRIVATE"`
	MetricsAddr       string `env:"USHER_METRICS_ADDR"`
	SecretARN         string `env:"USHER_SECRET_ARN"`
	TasksURL          string `env:"USHER_TASKS_URL"`
	DeadlinesURL      string `env:"USHER_DEADLINES_URL"`
	ParkURL           string `env:"USHER_PARK_URL"`
	TellQueueURL      string `env:"USHER_TELL_QUEUE_URL"`
	ForwardQueueURL   string `env:"USHER_FORWARD_QUEUE_URL"`
	DeadLetterURLs    string `env:"USHER_DEAD_LETTER_URLS"`
	AlarmTopic        string `env:"USHER_ALARM_TOPIC_ARN"`
	Reserved          string `env:"USHER_RESERVED_CONCURRENCY"`
	ScheduleGroup     string `env:"USHER_SCHEDULE_GROUP"`
	ScheduleRole      string `env:"USHER_SCHEDULE_ROLE_ARN"`
	ScheduleTarget    string `env:"USHER_SCHEDULE_TARGET_ARN"`
	ScheduleFailures  string `env:"USHER_SCHEDULE_FAILURES_ARN"`

	quoted map[string]bool // variables that had quotes around them, now taken off
	blank  map[string]bool // variables of white space only
}

// read collects the variables. Where secret has a name, it wins.
func read(lookup Lookup, secret map[string]string) (variables, error) {
	v := variables{quoted: map[string]bool{}, blank: map[string]bool{}}
	params, err := env.GetFieldParams(&v)
	if err != nil {
		return v, err
	}
	found := map[string]string{}
	for _, p := range params {
		raw, _ := lookup(p.Key)
		if secret[p.Key] != "" {
			raw = secret[p.Key]
		}
		value := bare(raw)
		value, v.quoted[p.Key] = unquoted(value)
		v.blank[p.Key] = value == "" && raw != ""
		if value != "" {
			found[p.Key] = value
		}
	}
	err = env.ParseWithOptions(&v, env.Options{Environment: found})
	return v, err
}

// bare is the value without the white space around it, and without a byte
// order mark.
func bare(value string) string {
	return strings.TrimFunc(value, func(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' })
}

// unquoted takes the quotes off that some shells and editors leave around a
// value.
func unquoted(value string) (string, bool) {
	for _, pair := range [][2]string{{`"`, `"`}, {"'", "'"}, {"`", "`"}, {"“", "”"}, {"‘", "’"}, {"„", "“"}} {
		if inner, ok := strings.CutPrefix(value, pair[0]); ok {
			if inner, ok := strings.CutSuffix(inner, pair[1]); ok {
				return bare(inner), true
			}
		}
	}
	return value, false
}
