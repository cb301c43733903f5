package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"usher/pkg/config"
)

// readSecret gives the text of the secret that USHER_SECRET_ARN names; "{}"
// where it names none. The error never carries the text.
func (c *clients) readSecret(ctx context.Context) (string, error) {
	arn := config.SecretARN(c.lookup)
	if arn == "" {
		return "{}", nil
	}
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	out, err := c.secrets().GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &arn})
	if err != nil {
		return "", fmt.Errorf("the secret %s could not be read: %w", arn, err)
	}
	return aws.ToString(out.SecretString), nil
}

var errSecretShape = errors.New("the secret must be a JSON object of texts, " +
	`like {"USHER_API_SECRET": "...", "VONAGE_PRIVATE_KEY": "..."}`)

func parseSecret(text string) (map[string]string, error) {
	var values map[string]string
	if json.Unmarshal([]byte(text), &values) != nil || values == nil {
		return nil, errSecretShape
	}
	return values, nil
}
