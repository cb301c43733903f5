package vonage

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"sync"
	"testing"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/room"
)

const (
	apiKey        = "123456"
	apiSecret     = "the-api-secret-of-this-test"
	applicationID = "4bc7f2a0-6d1e-4f83-9a25-0c8b7e6d5f41"
)

// rsaKey is the one key of these tests; making one takes long.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func pkcs8(key any) []byte {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func pkcs1() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey())})
}

func openTokAccount() Account { return Account{APIKey: apiKey, APISecret: apiSecret} }
func unifiedAccount() Account {
	return Account{ApplicationID: applicationID, PrivateKey: pkcs8(rsaKey())}
}

// newClient makes a client with a fixed clock; change sets what matters.
func newClient(t testing.TB, account Account, change func(*Options)) *Client {
	t.Helper()
	o := Options{Account: account, Now: clock, NewID: func() string { return "an-id" }}
	if change != nil {
		change(&o)
	}
	c, err := NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestNewClientRefuses(t *testing.T) {
	elliptic, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&rsaKey().PublicKey)})
	full := unifiedAccount()
	tests := []struct {
		name string
		o    Options
		want string
	}{
		{"nothing", Options{}, "no account"},
		{"key alone", Options{Account: Account{APIKey: apiKey}}, "half an OpenTok"},
		{"secret alone", Options{Account: Account{APISecret: apiSecret}}, "half an OpenTok"},
		{"application alone", Options{Account: Account{ApplicationID: applicationID}}, "half a Unified"},
		{"private key alone", Options{Account: Account{PrivateKey: full.PrivateKey}}, "half a Unified"},
		{"both", Options{Account: Account{APIKey: apiKey, APISecret: apiSecret, ApplicationID: applicationID, PrivateKey: full.PrivateKey}}, "both"},
		{"one and a half", Options{Account: Account{APIKey: apiKey, ApplicationID: applicationID, PrivateKey: full.PrivateKey}}, "both"},
		{"not PEM", Options{Account: Account{ApplicationID: applicationID, PrivateKey: []byte("sesame")}}, "not PEM"},
		{"damaged", Options{Account: Account{ApplicationID: applicationID, PrivateKey: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("sesame")})}}, "damaged"},
		{"public key", Options{Account: Account{ApplicationID: applicationID, PrivateKey: public}}, "damaged, or of another kind"},
		{"elliptic key", Options{Account: Account{ApplicationID: applicationID, PrivateKey: pkcs8(elliptic)}}, "not an RSA key"},
		{"URL without scheme", Options{Account: full, BaseURL: "localhost:8080"}, "is not like"},
		{"URL of a file", Options{Account: full, BaseURL: "file:///etc"}, "is not like"},
		{"URL with a query", Options{Account: full, BaseURL: "https://h/?sesame=1"}, "is not like"},
		{"URL with a password", Options{Account: full, BaseURL: "https://me:sesame@h"}, "is not like"},
		{"URL unreadable", Options{Account: full, BaseURL: "https://sesame%zz"}, "cannot be read"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := NewClient(tt.o)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			if strings.Contains(err.Error(), "sesame") || strings.Contains(err.Error(), apiSecret) {
				t.Errorf("the error tells a secret: %v", err)
			}
		})
	}
}

func TestNewClientAccepts(t *testing.T) {
	flat := []byte(strings.ReplaceAll(string(pkcs1()), "\n", `\n`))
	tests := []struct {
		name    string
		account Account
		base    string
		want    string
	}{
		{"OpenTok", openTokAccount(), "", "https://api.opentok.com"},
		{"Unified, PKCS#8", unifiedAccount(), "", "https://video.api.vonage.com"},
		{"Unified, PKCS#1", Account{ApplicationID: applicationID, PrivateKey: pkcs1()}, "", "https://video.api.vonage.com"},
		{"line breaks as text", Account{ApplicationID: applicationID, PrivateKey: flat}, "", "https://video.api.vonage.com"},
		{"own URL", openTokAccount(), "http://127.0.0.1:8080", "http://127.0.0.1:8080"},
		{"slash at the end", openTokAccount(), "http://127.0.0.1:8080/", "http://127.0.0.1:8080"},
		{"path", openTokAccount(), "http://127.0.0.1:8080/vonage/eu//", "http://127.0.0.1:8080/vonage/eu"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := NewClient(Options{Account: tt.account, BaseURL: tt.base})
			if err != nil || c.base != tt.want {
				t.Fatalf("base %v, error %v; want %s", c, err, tt.want)
			}
			if _, err := c.Credentials(room.Pass{Session: "s", Now: epoch.Of(time.Now()), Expires: epoch.Of(time.Now().Add(time.Minute))}); err != nil {
				t.Error(err)
			}
		})
	}
}
