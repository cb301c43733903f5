// Package topic counts who hears of alarms. It is apart so that only the function that
// says so is linked with the service's client, whose start costs time.
package topic

import (
	"context"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

// Confirmed is how many subscriptions of the topic are confirmed. Endpoint is where the
// service is when it is not at AWS, else nil.
func Confirmed(ctx context.Context, shared aws.Config, endpoint *string, topicARN string) (int, error) {
	client := sns.NewFromConfig(shared, func(o *sns.Options) { o.BaseEndpoint = endpoint })
	out, err := client.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &topicARN})
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(out.Attributes["SubscriptionsConfirmed"])
}
