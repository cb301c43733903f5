// Command rooms answers the JSON API and the pages.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"usher/pkg/app"
	"usher/pkg/gateway"
)

func main() { lambda.Start(gateway.Serve(app.New(gateway.RequestID).Rooms())) }
