// Command rooms answers the JSON API and the pages.
package main

import (
	_ "time/tzdata" // for pictures; the platform need have no zones

	"github.com/aws/aws-lambda-go/lambda"

	"usher/pkg/app"
	"usher/pkg/gateway"
	"usher/pkg/topic"
)

func main() { lambda.Start(gateway.Serve(app.New(gateway.RequestID).Rooms(topic.Confirmed))) }
