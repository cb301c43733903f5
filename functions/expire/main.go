// Command expire turns the call of a schedule into a delayed message: the exact second of a wake.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"usher/pkg/app"
	"usher/pkg/gateway"
)

func main() { lambda.Start(app.New(gateway.RequestID).Expire) }
