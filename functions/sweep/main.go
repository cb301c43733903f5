// Command sweep finishes what a crash left, once a minute.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"usher/pkg/app"
	"usher/pkg/gateway"
)

func main() { lambda.Start(app.New(gateway.RequestID).Sweep) }
