package vonage

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const signatureSecret = "a signature secret of forty characters.."

// clock is a moment for tests, with a fraction of a second.
func clock() time.Time { return time.UnixMilli(1_700_000_000_500) }

// signed makes the header of a callback with the documented claims, changed by
// change; a nil value takes a claim away.
func signed(t testing.TB, secret string, body []byte, change jwt.MapClaims) string {
	t.Helper()
	claims := jwt.MapClaims{
		"iss": "Vonage", "iat": clock().Unix(), "jti": "c5ba8f24-1a14-4c10-bfdf-3fbe8ce511b5",
		"payload_hash": sum(body), "api_key": "123456", "application_id": "4bc7f2a0-6d1e-4f83-9a25-0c8b7e6d5f41",
	}
	maps.Copy(claims, change)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return "Bearer " + token
}

func TestVerifyClaims(t *testing.T) {
	body := captured(t, "connectionCreated")
	now := clock().Unix()
	tests := []struct {
		name   string
		change jwt.MapClaims
		refuse string // part of the error; "" for good
	}{
		{"as documented", nil, ""},
		{"25 h old", jwt.MapClaims{"iat": now - 25*3600 + 1}, ""},
		{"over 25 h old", jwt.MapClaims{"iat": now - 25*3600}, "iat"},
		{"5 min ahead", jwt.MapClaims{"iat": now + 300}, ""},
		{"over 5 min ahead", jwt.MapClaims{"iat": now + 301}, "iat"},
		{"in milliseconds", jwt.MapClaims{"iat": now * 1000}, "iat"},
		{"iat with a fraction", jwt.MapClaims{"iat": float64(now) - 0.25}, ""},
		{"iat as a text", jwt.MapClaims{"iat": "1700000000"}, ""},
		{"iat NaN", jwt.MapClaims{"iat": "NaN"}, "iat"},
		{"iat infinite", jwt.MapClaims{"iat": "-Inf"}, "iat"},
		{"iat a word", jwt.MapClaims{"iat": "now"}, "no iat"},
		{"iat a list", jwt.MapClaims{"iat": []int64{now}}, "no iat"},
		{"no iat", jwt.MapClaims{"iat": nil}, "no iat"},
		{"no hash", jwt.MapClaims{"payload_hash": nil}, "no payload_hash"},
		{"hash empty", jwt.MapClaims{"payload_hash": ""}, "no payload_hash"},
		{"hash not hex", jwt.MapClaims{"payload_hash": strings.Repeat("x", 64)}, "no payload_hash"},
		{"hash a number", jwt.MapClaims{"payload_hash": 5}, "no payload_hash"},
		{"hash in capitals", jwt.MapClaims{"payload_hash": strings.ToUpper(sum(body))}, ""},
		{"hash of another body", jwt.MapClaims{"payload_hash": sum([]byte("x"))}, "another body"},
		{"part of the hash", jwt.MapClaims{"payload_hash": sum(body)[:62]}, "another body"},
		{"long over", jwt.MapClaims{"exp": now - 3600}, ""},
		{"another issuer", jwt.MapClaims{"iss": "vonage"}, ""},
		{"no issuer, id or key", jwt.MapClaims{"iss": nil, "jti": nil, "api_key": nil, "application_id": nil}, ""},
	}
	v := NewVerifier(signatureSecret, clock)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			check(t, v.Verify(signed(t, signatureSecret, body, tt.change), body), tt.refuse)
		})
	}
}

func check(t *testing.T, err error, refuse string) {
	t.Helper()
	switch {
	case refuse == "" && err != nil:
		t.Errorf("refused: %v", err)
	case refuse != "" && (!errors.Is(err, ErrUnsigned) || !strings.Contains(err.Error(), refuse)):
		t.Errorf("got %v, want an error with %q", err, refuse)
	}
}

func TestVerifyHeader(t *testing.T) {
	body := captured(t, "connectionCreated")
	good := signed(t, signatureSecret, body, nil)
	token := strings.TrimPrefix(good, "Bearer ")
	other := func(method jwt.SigningMethod, key any) string {
		s, err := jwt.NewWithClaims(method, jwt.MapClaims{"iat": clock().Unix(), "payload_hash": sum(body)}).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return "Bearer " + s
	}
	cut := strings.LastIndex(good, ".")
	tests := []struct{ name, header, refuse string }{
		{"small letters", "bearer " + token, ""},
		{"capitals and spaces", "  BEARER   " + token + " ", ""},
		{"empty", "", "no bearer token"},
		{"no token", "Bearer ", "no bearer token"},
		{"no scheme", token, "no bearer token"},
		{"another scheme", "Basic " + token, "no bearer token"},
		{"too long", "Bearer " + strings.Repeat("x", 8<<10+1), "too long"},
		{"not a token", "Bearer x", "cannot be read"},
		{"two tokens", good + "," + token, "cannot be read"},
		{"another secret", signed(t, "another", body, nil), "HS256"},
		{"an empty secret", signed(t, "", body, nil), "HS256"},
		{"no signature", good[:cut+1], "HS256"},
		{"changed signature", good[:cut+1] + strings.Repeat("A", 43), "HS256"},
		{"none", other(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType), "HS256"},
		{"HS512", other(jwt.SigningMethodHS512, []byte(signatureSecret)), "HS256"},
		{"RS256", other(jwt.SigningMethodRS256, rsaKey()), "HS256"},
	}
	v := NewVerifier(signatureSecret, clock)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := v.Verify(tt.header, body)
			check(t, err, tt.refuse)
			if err != nil && (strings.Contains(err.Error(), signatureSecret) || strings.Contains(err.Error(), token)) {
				t.Errorf("the error tells a secret: %v", err)
			}
		})
	}
}

func TestVerifyBody(t *testing.T) {
	body := captured(t, "connectionCreated")
	v := NewVerifier(signatureSecret, clock)
	header := signed(t, signatureSecret, body, nil)
	check(t, v.Verify(header, append([]byte(" "), body...)), "another body")
	check(t, v.Verify(header, nil), "another body")
	check(t, v.Verify(signed(t, signatureSecret, nil, nil), nil), "")
}

func TestVerifyWithoutSecret(t *testing.T) {
	check(t, NewVerifier("", clock).Verify(signed(t, "", nil, nil), nil), "no signature secret")
	check(t, NewVerifier("", clock, "").Verify(signed(t, "", nil, nil), nil), "no signature secret")
}

func TestVerifyWithThePreviousSecret(t *testing.T) {
	body := captured(t, "connectionCreated")
	v := NewVerifier(signatureSecret, clock, "", "before")
	check(t, v.Verify(signed(t, signatureSecret, body, nil), body), "")
	check(t, v.Verify(signed(t, "before", body, nil), body), "")
	check(t, v.Verify(signed(t, "before", body, nil), body[1:]), "another body")
	check(t, v.Verify(signed(t, "long before", body, nil), body), "HS256")
	check(t, v.Verify(signed(t, "", body, nil), body), "HS256")
}

func FuzzVerify(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(signed(f, signatureSecret, body, nil), body)
	}
	f.Add("Bearer a.b.c", []byte("{}"))
	f.Add(signed(f, signatureSecret, nil, jwt.MapClaims{"iat": "1e999"}), []byte{})
	v := NewVerifier(signatureSecret, clock)
	f.Fuzz(func(t *testing.T, header string, body []byte) {
		err := v.Verify(header, body)
		if err != nil {
			if !errors.Is(err, ErrUnsigned) {
				t.Fatal(err)
			}
			return
		}
		if !signedByHand(header) || v.Verify(header, append(body, 'x')) == nil {
			t.Fatalf("let in: %q", header)
		}
	})
}

// signedByHand checks the HMAC without the library.
func signedByHand(header string) bool {
	fields := strings.Fields(header)
	at := strings.LastIndex(fields[1], ".")
	given, err := base64.RawURLEncoding.DecodeString(fields[1][at+1:])
	mac := hmac.New(sha256.New, []byte(signatureSecret))
	mac.Write([]byte(fields[1][:at]))
	return err == nil && hmac.Equal(given, mac.Sum(nil))
}

func BenchmarkVerify(b *testing.B) {
	body := captured(b, "connectionCreated")
	header := signed(b, signatureSecret, body, nil)
	v := NewVerifier(signatureSecret, clock)
	b.ReportAllocs()
	for b.Loop() {
		if err := v.Verify(header, body); err != nil {
			b.Fatal(err)
		}
	}
}
