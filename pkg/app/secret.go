package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"usher/pkg/config"
)

// secretPatience bounds how long all secrets of a part are waited for: less than a
// function's time, so that it can still answer, and a queue's batch go back.
const secretPatience = 4 * time.Second

// secrets are what Secrets Manager keeps for a part.
type secrets struct {
	values map[string]string // by the names of the variables
	// madeTicket: the tickets' key is the one that the deployment made. Backends from
	// before there was one sign tickets with the API's.
	madeTicket bool
}

func (s secrets) equal(o secrets) bool {
	return s.madeTicket == o.madeTicket && maps.Equal(s.values, o.values)
}

// readSecrets reads the secret that USHER_SECRET_ARN names, and for the keys that are
// not in it the secrets of their own. No error carries a text of them.
func (c *clients) readSecrets(ctx context.Context, use config.Part) (secrets, error) {
	ctx, cancel := context.WithTimeout(ctx, secretPatience)
	defer cancel()
	s := secrets{values: map[string]string{}}
	if arn := config.SecretARN(c.lookup); arn != "" {
		values, err := c.readSecret(ctx, arn)
		if err != nil {
			return s, err
		}
		s.values = values
	}
	for _, key := range config.Keys(use) {
		made, err := c.readKey(ctx, s.values, key)
		if err != nil {
			return s, err
		}
		s.madeTicket = s.madeTicket || made && key == config.TicketKey
	}
	return s, nil
}

// readKey adds a key, and the one before it, from its own secret to values that do not
// have it.
func (c *clients) readKey(ctx context.Context, values map[string]string, key config.Key) (made bool, err error) {
	arn := key.ARN(c.lookup)
	if arn == "" || values[key.Name] != "" {
		return false, nil
	}
	own, err := c.readSecret(ctx, arn)
	if err != nil {
		return false, err
	}
	values[key.Name] = own[key.Name]
	if values[key.Previous] == "" {
		values[key.Previous] = own[key.Previous]
	}
	return own[key.Name] != "", nil
}

func (c *clients) readSecret(ctx context.Context, arn string) (map[string]string, error) {
	out, err := c.secrets().GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &arn})
	if err != nil {
		return nil, fmt.Errorf("the secret %s could not be read: %w", arn, err)
	}
	values, err := parseSecret(aws.ToString(out.SecretString))
	if err != nil {
		return nil, fmt.Errorf("the secret %s: %w", arn, err)
	}
	return values, nil
}

var errSecretShape = errors.New("it must be a JSON object of texts, " +
	`like {"USHER_API_SECRET": "...", "VONAGE_PRIVATE_KEY": "..."}`)

func parseSecret(text string) (map[string]string, error) {
	var values map[string]string
	if json.Unmarshal([]byte(text), &values) != nil || values == nil {
		return nil, errSecretShape
	}
	return values, nil
}
