package vonage

import (
	"bytes"
	"crypto/rsa"
	"errors"
	"fmt"

	"github.com/golang-jwt/jwt/v5"

	"usher/pkg/room"
)

// Account names a project of one of Vonage's two environments. Exactly one
// pair is set: APIKey and APISecret for OpenTok, ApplicationID and PrivateKey
// for Unified.
type Account struct {
	APIKey, APISecret string
	ApplicationID     string
	// PrivateKey is an RSA key in PEM, PKCS#1 or PKCS#8. Line breaks written as
	// the two characters \n, as they come out of many settings, are understood.
	PrivateKey []byte
}

// Project is the account's name in paths and webhooks: the API key or the
// application id.
func (a Account) Project() string {
	if a.APIKey != "" {
		return a.APIKey
	}
	return a.ApplicationID
}

// environment is the differences between OpenTok and Unified.
type environment interface {
	// home is the base URL of the environment's own REST API.
	home() string
	// pass signs a token for REST requests and says until when it is good.
	pass(p period, id string) (token string, err error)
	// header is how a REST request carries its token.
	header(token string) (name, value string)
	// ticket signs a client token.
	ticket(g grant) (string, error)
}

// period is when a token is good, in seconds since the epoch.
type period struct{ issued, expires int64 }

// grant is the content of a client token.
type grant struct {
	period
	session, data, id string
	right             room.Right
}

// environment checks the account. Its errors name what is wrong and never
// quote a secret.
func (a Account) environment() (environment, error) {
	opentok := a.APIKey != "" || a.APISecret != ""
	unified := a.ApplicationID != "" || len(a.PrivateKey) > 0
	switch {
	case opentok && unified:
		return nil, errors.New("both an OpenTok and a Unified account are set: keep one pair")
	case opentok && (a.APIKey == "" || a.APISecret == ""):
		return nil, errors.New("half an OpenTok account is set: it needs the API key and the API secret")
	case unified && (a.ApplicationID == "" || len(a.PrivateKey) == 0):
		return nil, errors.New("half a Unified account is set: it needs the application id and the private key")
	case opentok:
		return openTok{key: a.APIKey, secret: []byte(a.APISecret)}, nil
	case unified:
		key, err := parseKey(a.PrivateKey)
		return unifiedVideo{application: a.ApplicationID, key: key}, err
	}
	return nil, errors.New("no account is set: it needs an API key and secret, or an application id and private key")
}

// parseKey reads the key at once (a sixth of a millisecond), so that a wrong
// one stops the start and not the first request.
func parseKey(text []byte) (*rsa.PrivateKey, error) {
	key, err := jwt.ParseRSAPrivateKeyFromPEM(bytes.ReplaceAll(text, []byte(`\n`), []byte("\n")))
	switch {
	case errors.Is(err, jwt.ErrKeyMustBePEMEncoded):
		return nil, errors.New("the private key is not PEM: it begins with -----BEGIN PRIVATE KEY----- or -----BEGIN RSA PRIVATE KEY-----")
	case errors.Is(err, jwt.ErrNotRSAPrivateKey):
		return nil, errors.New("the private key is not an RSA key: Vonage signs with RS256")
	case err != nil:
		return nil, fmt.Errorf("the private key (%d bytes of PEM) is damaged, or of another kind than PKCS#1 and PKCS#8", len(text))
	}
	return key, nil
}
