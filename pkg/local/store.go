package local

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"usher/pkg/bolt"
	"usher/pkg/config"
	"usher/pkg/dynamo"
)

// openStore opens the data file, whatever the store is: beside DynamoDB it
// keeps the secret that was made, and the events that DynamoDB did not take.
func (l *Local) openStore(ctx context.Context) error {
	file, err := openFile(l.settings.Data, l.settings.Retention)
	if err != nil {
		return err
	}
	l.file, l.close = file, file.Close
	if l.settings.Store == config.DynamoDB {
		l.queue = file
		return l.openDynamo(ctx)
	}
	l.store = file
	return nil
}

// openDynamo finds the table, or creates it.
func (l *Local) openDynamo(ctx context.Context) error {
	shared, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return fmt.Errorf("the AWS settings could not be read: %w", err)
	}
	d := l.settings.Dynamo
	if d.Free {
		shared.Credentials = credentials.NewStaticCredentialsProvider("usher", "usher", "")
		if shared.Region == "" {
			shared.Region = "us-east-1"
		}
	}
	client := dynamodb.NewFromConfig(shared, func(o *dynamodb.Options) {
		if d.Endpoint != "" {
			o.BaseEndpoint = aws.String(d.Endpoint)
		}
	})
	if err := dynamo.CreateTable(ctx, client, l.settings.Table); err != nil {
		return err
	}
	l.store = dynamo.New(client, l.settings.Table, dynamo.Retention(l.settings.Retention))
	return nil
}

// keepSecret takes the API's key from the settings, or the one that was made
// at the first start and is kept in the data file, whatever the store is.
func (l *Local) keepSecret(ctx context.Context) error {
	if l.settings.APISecret != nil {
		return nil
	}
	secret, err := l.file.Secret(ctx, bolt.APISecret, func() []byte { return []byte(rand.Text() + rand.Text()) })
	if err != nil {
		return fmt.Errorf("the API's secret could not be kept in %s: %w", l.settings.Data, err)
	}
	l.settings.APISecret = secret
	return nil
}

func (l *Local) storeName() string {
	if l.settings.Store == config.DynamoDB {
		return "DynamoDB, table " + l.settings.Table
	}
	return l.settings.Data
}

// openFile names the setting in what a person is told.
func openFile(path string, retention time.Duration) (*bolt.Store, error) {
	file, err := bolt.Open(path, bolt.Options{Retention: retention})
	if err != nil {
		return nil, fmt.Errorf("USHER_DATA: %w", err)
	}
	return file, nil
}
