// Command tasks works on exact seconds and parked events.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"usher/pkg/app"
	"usher/pkg/gateway"
)

func main() { lambda.Start(app.New(gateway.RequestID).Tasks) }
