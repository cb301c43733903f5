// Command expire passes a lesson's one-shot alarm on to the exact seconds.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"usher/pkg/app"
)

func main() { lambda.Start(app.New().Expire) }
