package config

import "strings"

// CloudSettings are the settings of one function: those of the process (Addr,
// Data, Store and Rooms are not used), and what the template names.
type CloudSettings struct {
	Settings
	SecretARN string // of the Secrets Manager secret; "": the secrets are in the environment
	TasksURL  string // the queue of exact seconds
	ParkURL   string // the queue of parked events

	ScheduleGroup    string
	ScheduleRole     string // ARN of the role that EventBridge Scheduler takes
	ScheduleTarget   string // ARN of what an alarm calls
	ScheduleFailures string // ARN of the queue for alarms that could not be delivered
}

// SecretARN is the secret that Cloud wants the content of; "" where none is set.
func SecretARN(lookup Lookup) string {
	arn, _ := lookup("USHER_SECRET_ARN")
	return arn
}

// Cloud reads the settings of a function. Secret holds the variables that are
// kept in Secrets Manager, under their own names; where it has one, that wins.
// Credentials and the API's secret are required. What a function does not use
// of the queues and the schedule may be missing, but not wrong.
func Cloud(lookup Lookup, secret map[string]string) (CloudSettings, error) {
	v, err := read(lookup, secret)
	if err != nil {
		return CloudSettings{}, err
	}
	var wrong Error
	s := CloudSettings{
		Settings:         v.settings(&wrong),
		SecretARN:        wrong.arn("USHER_SECRET_ARN", v.SecretARN),
		TasksURL:         wrong.url("USHER_TASKS_URL", v.TasksURL),
		ParkURL:          wrong.url("USHER_PARK_URL", v.ParkURL),
		ScheduleGroup:    v.ScheduleGroup,
		ScheduleRole:     wrong.arn("USHER_SCHEDULE_ROLE_ARN", v.ScheduleRole),
		ScheduleTarget:   wrong.arn("USHER_SCHEDULE_TARGET_ARN", v.ScheduleTarget),
		ScheduleFailures: wrong.arn("USHER_SCHEDULE_FAILURES_ARN", v.ScheduleFailures),
	}
	s.Store = DynamoDB
	if s.Platform.Simulated() && v.PrivateKey == "" && v.OpenTokSecret == "" {
		wrong.hide("VONAGE_APPLICATION_ID, VONAGE_PRIVATE_KEY", "are not set, and neither are OPENTOK_API_KEY, OPENTOK_API_SECRET: "+
			"the cloud needs one pair")
	}
	if s.APISecret == nil {
		wrong.hide("USHER_API_SECRET", "is not set: it must have at least 32 bytes")
	}
	return s, wrong.orNil()
}

func (e *Error) arn(name, value string) string {
	if value != "" && (!strings.HasPrefix(value, "arn:") || strings.Count(value, ":") < 5) {
		e.add(name, value, "must be an ARN, like arn:aws:sqs:eu-central-1:123456789012:tasks")
	}
	return value
}
