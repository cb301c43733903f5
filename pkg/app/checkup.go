package app

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"usher/pkg/checkup"
	"usher/pkg/config"
)

// Confirmed counts the confirmed subscriptions of a topic, as package topic does.
type Confirmed func(ctx context.Context, shared aws.Config, endpoint *string, topicARN string) (int, error)

// checkup looks at what the functions rest on. Only the function that offers it links
// what it needs.
func (c *Cloud) checkup(j *joined, count Confirmed) checkup.Checkup {
	s := j.settings
	all := checkup.Checkup{checkup.Vonage(j.platform), checkup.Marks(j.marks, c.time)}
	for _, url := range s.DeadLetterURLs {
		all = append(all, checkup.Empty("dead-letters", "messages in "+queueName(url), c.messages(url), "docs/operations.md says what to do with them."))
	}
	if s.ParkURL != "" {
		all = append(all, checkup.Empty("parked", "parked events in "+queueName(s.ParkURL), c.messages(s.ParkURL),
			"They are heard when DynamoDB takes them: look whether it is away or throttles."))
	}
	confirmed := func(ctx context.Context, topic string) (int, error) {
		return count(ctx, c.aws.shared, c.aws.endpoint("SNS"), topic)
	}
	return append(all, alarmTopic(s, confirmed), reservation(s))
}

// messages counts what waits in a queue.
func (c *Cloud) messages(url string) func(context.Context) (int, error) {
	return func(ctx context.Context) (int, error) { return c.aws.messages(ctx, url) }
}

func queueName(url string) string { return url[strings.LastIndex(url, "/")+1:] }

// alarmTopic looks whether somebody hears of alarms.
func alarmTopic(s config.CloudSettings, confirmed func(ctx context.Context, topic string) (int, error)) func(context.Context) []checkup.Finding {
	const name = "alarms"
	return func(ctx context.Context) []checkup.Finding {
		if s.AlarmTopic == "" {
			return []checkup.Finding{{Name: name, Detail: "Nobody is told of alarms. Deploy with the parameter AlarmEmail or AlarmTopic."}}
		}
		n, err := confirmed(ctx, s.AlarmTopic)
		switch {
		case err != nil:
			return []checkup.Finding{{Name: name, Detail: "The topic of alarms cannot be read. Look whether it exists: " + s.AlarmTopic}}
		case n == 0:
			return []checkup.Finding{{Name: name, Detail: "Nobody has confirmed a subscription of the topic of alarms. Follow the link in the mail that AWS sent."}}
		}
		return []checkup.Finding{{Name: name, OK: true, Detail: "Somebody is told of alarms."}}
	}
}

// reservation looks whether the callback has concurrency of its own.
func reservation(s config.CloudSettings) func(context.Context) []checkup.Finding {
	const name = "concurrency"
	return func(context.Context) []checkup.Finding {
		if s.Reserved == "" || s.Reserved == "0" {
			return []checkup.Finding{{Name: name, Detail: "No concurrency is reserved for the callback: other functions of the account can keep it out. " +
				"Deploy with the parameter WebhookConcurrency; a new account has to ask for more first."}}
		}
		return []checkup.Finding{{Name: name, OK: true, Detail: "Concurrency is reserved for the callback: " + s.Reserved + "."}}
	}
}
