package config

import "strings"

// CloudSettings are the settings of one function: those of the process (Addr,
// Data, Store and Rooms are not used), and what the template names.
type CloudSettings struct {
	Settings
	SecretARN    string // of the Secrets Manager secret; "": the secrets are in the environment
	TasksURL     string // the queue of exact seconds
	DeadlinesURL string // the queue of deadlines; "": TasksURL
	ParkURL      string // the queue of parked events

	TellQueueURL    string // the queue of telling the backend
	ForwardQueueURL string // the queue of callbacks that go on

	// What only a checkup looks at.
	DeadLetterURLs []string // queues that should be empty
	AlarmTopic     string   // ARN of the topic that hears of alarms; "": none
	Reserved       string   // concurrency that is reserved for the callback, a number

	ScheduleGroup    string
	ScheduleRole     string // ARN of the role that EventBridge Scheduler takes
	ScheduleTarget   string // ARN of the function that a schedule calls
	ScheduleFailures string // ARN of the queue for calls that could not be delivered
}

// Part is a function, and so the settings that it uses. A setting that it does
// not use is not checked: a wrong origin must not stop Vonage's callback.
type Part int

// The parts.
const (
	Callback   Part = iota // hears Vonage
	API                    // answers the JSON API and the pages
	Work                   // does the due work of lessons: tasks and sweep
	Telling                // tells the owner's backend: tasks, beside its work
	Forwarding             // sends callbacks on: tasks, beside its work
	Queues                 // passes wakes on
)

// SecretARN is the secret that Cloud wants the content of; "" where none is set.
func SecretARN(lookup Lookup) string {
	arn, _ := lookup("USHER_SECRET_ARN")
	return bare(arn)
}

// MetricsNamespace is the namespace that CloudWatch keeps the metrics in; "": none are
// written.
func MetricsNamespace(lookup Lookup) string {
	namespace, _ := lookup("USHER_METRICS_NAMESPACE")
	return bare(namespace)
}

// Key is a key that may be kept in a secret of its own, which the deployment makes.
type Key struct {
	Name, Previous string // the variables of the key and of the one before
	arn            string // the variable of the secret's ARN
}

// The keys that have such secrets.
var (
	APIKey    = Key{"USHER_API_SECRET", "USHER_API_SECRET_PREVIOUS", "USHER_API_SECRET_ARN"}
	TicketKey = Key{"USHER_TICKET_SECRET", "USHER_TICKET_SECRET_PREVIOUS", "USHER_TICKET_SECRET_ARN"}
)

// Keys are those that a part uses.
func Keys(part Part) []Key {
	if part == API {
		return []Key{APIKey, TicketKey}
	}
	return nil
}

// ARN is the key's own secret; "" where it has none, or where the environment has the key.
func (k Key) ARN(lookup Lookup) string {
	if own, _ := lookup(k.Name); bare(own) != "" {
		return ""
	}
	arn, _ := lookup(k.arn)
	return bare(arn)
}

// Cloud reads the settings of a function. Secret holds the variables that are
// kept in Secrets Manager, under their own names; where it has one, that wins.
// Credentials are required but for Queues and Forwarding, and the API's secret for the API.
// A setting of the queues and the schedule that a function does not use may be
// missing, but not wrong.
func Cloud(lookup Lookup, secret map[string]string, part Part) (CloudSettings, error) {
	v, err := read(lookup, secret)
	if err != nil {
		return CloudSettings{}, err
	}
	c := v.checker()
	s := c.queues(v)
	s.Store = DynamoDB
	if part != Queues && part != Forwarding {
		s.Table = c.table("USHER_TABLE", v.Table)
		s.Retention = c.retention(v)
		s.Platform = c.platform(v)
		c.required(v)
	}
	switch part {
	case Callback:
		c.callback(v, &s.Settings)
	case Telling:
		s.Events = c.events(v)
	case Forwarding:
		s.Forward = c.forward(v, false)
	case API:
		c.api(v, &s.Settings)
		if s.APISecret == nil && !c.blank["USHER_API_SECRET"] {
			c.hide("USHER_API_SECRET", "is not set: it must have at least 32 bytes")
		}
	}
	return s, c.orNil()
}

// queues reads the settings of the queues and the schedules.
func (c *checker) queues(v variables) CloudSettings {
	return CloudSettings{
		SecretARN:        c.arn("USHER_SECRET_ARN", v.SecretARN),
		TasksURL:         c.url("USHER_TASKS_URL", v.TasksURL),
		DeadlinesURL:     c.url("USHER_DEADLINES_URL", v.DeadlinesURL),
		ParkURL:          c.url("USHER_PARK_URL", v.ParkURL),
		TellQueueURL:     c.url("USHER_TELL_QUEUE_URL", v.TellQueueURL),
		ForwardQueueURL:  c.url("USHER_FORWARD_QUEUE_URL", v.ForwardQueueURL),
		ScheduleGroup:    c.text("USHER_SCHEDULE_GROUP", v.ScheduleGroup),
		ScheduleRole:     c.arn("USHER_SCHEDULE_ROLE_ARN", v.ScheduleRole),
		ScheduleTarget:   c.arn("USHER_SCHEDULE_TARGET_ARN", v.ScheduleTarget),
		ScheduleFailures: c.arn("USHER_SCHEDULE_FAILURES_ARN", v.ScheduleFailures),
		DeadLetterURLs:   strings.Fields(strings.ReplaceAll(v.DeadLetterURLs, ",", " ")),
		AlarmTopic:       c.arn("USHER_ALARM_TOPIC_ARN", v.AlarmTopic),
		Reserved:         c.text("USHER_RESERVED_CONCURRENCY", v.Reserved),
	}
}

// required wants a pair of credentials: there is no simulated platform in the
// cloud.
func (c *checker) required(v variables) {
	if v.ApplicationID == "" && v.PrivateKey == "" && v.OpenTokKey == "" && v.OpenTokSecret == "" {
		c.hide("VONAGE_APPLICATION_ID, VONAGE_PRIVATE_KEY", "are not set, and neither are OPENTOK_API_KEY, OPENTOK_API_SECRET: "+
			"the cloud needs one pair")
	}
}

func (c *checker) arn(name, value string) string {
	if c.text(name, value) != "" && (!strings.HasPrefix(value, "arn:") || strings.Count(value, ":") < 5) {
		c.add(name, value, "must be an ARN, like arn:aws:sqs:eu-central-1:123456789012:tasks")
	}
	return value
}
