package app

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"usher/pkg/config"
	"usher/pkg/dynamo"
	"usher/pkg/timer"
)

// clients makes the AWS clients of one function. Lambda hands region and
// credentials over in the environment and replaces the process before they
// expire, so the SDK's search for them, a third of a function's start, is left
// out.
type clients struct {
	lookup config.Lookup
	shared aws.Config
}

func newClients(lookup config.Lookup) *clients {
	c := &clients{lookup: lookup}
	c.shared = aws.Config{
		Region:      c.variable("AWS_REGION"),
		Credentials: aws.CredentialsProviderFunc(c.credentials),
		HTTPClient:  dynamo.PlainBodies{HTTPClient: dialler()},
	}
	return c
}

func (c *clients) variable(name string) string {
	value, _ := c.lookup(name)
	return value
}

func (c *clients) credentials(context.Context) (aws.Credentials, error) {
	return aws.Credentials{
		AccessKeyID:     c.variable("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: c.variable("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    c.variable("AWS_SESSION_TOKEN"),
		Source:          "Lambda",
	}, nil
}

// endpoint is where a service is when it is not at AWS: the SDK's own
// variables, of which an empty one counts as not set.
func (c *clients) endpoint(service string) *string {
	for _, name := range []string{"AWS_ENDPOINT_URL_" + service, "AWS_ENDPOINT_URL"} {
		if url := c.variable(name); url != "" {
			return &url
		}
	}
	return nil
}

// dialler gives up early on a service that cannot be reached, so that an event
// can still be parked; it keeps enough connections for a batch.
func dialler() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = (&net.Dialer{Timeout: time.Second}).DialContext
	t.TLSHandshakeTimeout = 2 * time.Second
	t.MaxIdleConnsPerHost = 64
	return &http.Client{
		Transport:     t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (c *clients) dynamo() *dynamodb.Client {
	return dynamodb.NewFromConfig(c.shared, func(o *dynamodb.Options) { o.BaseEndpoint = c.endpoint("DYNAMODB") })
}

func (c *clients) queues() timer.SQS {
	return sender(sqs.NewFromConfig(c.shared, func(o *sqs.Options) { o.BaseEndpoint = c.endpoint("SQS") }).SendMessage)
}

func (c *clients) schedules() timer.Scheduler {
	return planner(scheduler.NewFromConfig(c.shared, func(o *scheduler.Options) { o.BaseEndpoint = c.endpoint("SCHEDULER") }).CreateSchedule)
}

func (c *clients) secrets() *secretsmanager.Client {
	return secretsmanager.NewFromConfig(c.shared, func(o *secretsmanager.Options) { o.BaseEndpoint = c.endpoint("SECRETS_MANAGER") })
}

// messages is how many messages are in a queue, about.
func (c *clients) messages(ctx context.Context, url string) (int, error) {
	client := sqs.NewFromConfig(c.shared, func(o *sqs.Options) { o.BaseEndpoint = c.endpoint("SQS") })
	names := []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
	}
	out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: names})
	if err != nil {
		return 0, err
	}
	sum := 0
	for _, name := range names {
		n, err := strconv.Atoi(out.Attributes[string(name)])
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}
