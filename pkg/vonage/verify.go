package vonage

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// ErrUnsigned is wrapped by every error of Verify; what follows it names the
// check that failed and quotes nothing of the token.
var ErrUnsigned = errors.New("the callback's signature is not good")

const (
	// maxAge is a day of Vonage's retries, which may carry the first token
	// again, and an hour of slack.
	maxAge = 25 * time.Hour
	// maxAhead is how far Vonage's clock may be ahead.
	maxAhead = 5 * time.Minute
	// maxToken bounds the header, in bytes; Vonage's tokens have about 500.
	maxToken = 8 << 10
)

// Verifier checks signed callbacks. It is safe for concurrent use.
type Verifier struct {
	keys   jwt.VerificationKeySet
	now    func() time.Time
	parser *jwt.Parser
}

// NewVerifier checks with the callback's signature secret, or with a previous
// one, so that a new secret need not come here and there in the same moment. An
// empty secret lets nothing pass. A nil now is time.Now.
func NewVerifier(secret string, now func() time.Time, previous ...string) *Verifier {
	if now == nil {
		now = time.Now
	}
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithoutClaimsValidation(),
	)
	v := &Verifier{now: now, parser: parser}
	for _, each := range append([]string{secret}, previous...) {
		if each != "" {
			v.keys.Keys = append(v.keys.Keys, []byte(each))
		}
	}
	return v
}

// Verify checks the Authorization header of a callback against its raw body:
// a bearer token, HS256 with a secret, issued at most 25 h ago and 5 min
// ahead, whose payload_hash is the body's SHA-256.
//
// The issuer is not looked at: the owner of the secret could write any, and a change
// in its spelling would turn every callback away. Nor is an exp: Vonage's tokens
// have none, and a retry may come a day later.
func (v *Verifier) Verify(authorization string, body []byte) error {
	token, err := bearer(authorization)
	if err != nil {
		return err
	}
	if len(v.keys.Keys) == 0 {
		return unsigned("no signature secret is set")
	}
	claims := jwt.MapClaims{}
	_, err = v.parser.ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return v.keys, nil })
	switch {
	case errors.Is(err, jwt.ErrTokenMalformed), errors.Is(err, jwt.ErrTokenUnverifiable):
		return unsigned("the token cannot be read")
	case err != nil:
		return unsigned("it was not made by HS256 with the signature secret")
	}
	if err := v.fresh(claims["iat"]); err != nil {
		return err
	}
	return covers(claims["payload_hash"], body)
}

func unsigned(why string) error { return fmt.Errorf("%w: %s", ErrUnsigned, why) }

func bearer(authorization string) (string, error) {
	scheme, token, _ := strings.Cut(strings.TrimSpace(authorization), " ")
	token = strings.TrimSpace(token)
	switch {
	case !strings.EqualFold(scheme, "bearer") || token == "":
		return "", unsigned("there is no bearer token")
	case len(token) > maxToken:
		return "", unsigned("the token is too long")
	}
	return token, nil
}

// fresh checks iat, seconds since the epoch, a number or a text with one.
func (v *Verifier) fresh(iat any) error {
	seconds, ok := iat.(float64)
	if text, isText := iat.(string); isText {
		f, err := strconv.ParseFloat(text, 64)
		seconds, ok = f, err == nil
	}
	if !ok {
		return unsigned("it has no iat")
	}
	age := float64(v.now().UnixMilli())/1000 - seconds
	// Written so that NaN fails.
	if !(age <= maxAge.Seconds() && age >= -maxAhead.Seconds()) {
		return unsigned("its iat is over 25 hours old or over 5 minutes ahead")
	}
	return nil
}

// covers checks that the token was made for this body.
func covers(hash any, body []byte) error {
	text, _ := hash.(string)
	claimed, err := hex.DecodeString(text)
	if err != nil || len(claimed) == 0 {
		return unsigned("it has no payload_hash")
	}
	sum := sha256.Sum256(body)
	if subtle.ConstantTimeCompare(claimed, sum[:]) != 1 {
		return unsigned("its payload_hash is of another body")
	}
	return nil
}
