// Command tasks works on exact seconds and parked events.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"usher/pkg/app"
)

func main() { lambda.Start(app.New().Tasks) }
