package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"usher/pkg/doorkeeper"
	"usher/pkg/object"
)

// The scopes of a token: its uses.
const (
	scopeAdmin = "admin"
	scopeJoin  = "join"
)

const (
	audience = "usher"
	leeway   = 30 * time.Second
)

// How long tokens may live at most, exp minus iat.
const (
	LongestAdmin  = 24 * time.Hour
	LongestTicket = 90 * 24 * time.Hour
)

// claims are the claims of a bearer token. Room is nil where it names none, Data
// where it has none; else that is compact JSON.
type claims struct {
	jwt.RegisteredClaims
	Scope string          `json:"scope"`
	Room  *string         `json:"room,omitempty"`
	Role  string          `json:"role,omitempty"`
	Data  json.RawMessage `json:"data,omitempty"`
}

// claimNames are the names that claims reads.
var claimNames = []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "scope", "room", "role", "data"}

// UnmarshalJSON refuses claims that readers of JSON understand differently: one
// that is null or stands twice, and one that is known in another case, which
// encoding/json would take.
func (c *claims) UnmarshalJSON(text []byte) error {
	members, err := object.Members(text)
	if err != nil {
		return err
	}
	for _, m := range members {
		if m.Again || m.Null() || misspelt(m.Name) || isTime(m.Name) && m.Value[0] == '"' {
			return errClaims
		}
	}
	type plain claims
	if err := json.Unmarshal(text, (*plain)(c)); err != nil {
		return err
	}
	c.Data = compact(c.Data)
	return nil
}

// compact gives valid JSON without blanks, and every other byte as it stands.
func compact(value json.RawMessage) json.RawMessage {
	var b bytes.Buffer
	_ = json.Compact(&b, value)
	return b.Bytes()
}

// isTime reports whether the claim is a number of seconds, which the library would read
// from a text too.
func isTime(name string) bool { return name == "exp" || name == "iat" || name == "nbf" }

func misspelt(name string) bool {
	return slices.ContainsFunc(claimNames, func(known string) bool { return name != known && strings.EqualFold(name, known) })
}

// keys verify tokens. Each scope has its own key, so a token says by its scope
// which key must have signed it; where both keys are the same, the scope alone
// tells an admin token from a ticket.
type keys struct{ api, ticket [][]byte }

var (
	errNoKey    = errors.New("no key for this token")
	errCritical = errors.New("a critical header that is not understood")
	errNoTimes  = errors.New("iat and exp are required")
	errTooLong  = errors.New("a token that lives too long")
	errClaims   = errors.New("a claim that is null, stands twice, is known in another case, or is a time in quotes")
)

// read verifies a token as of now: HS256, signature, audience, iat, exp. Its
// errors are for nobody outside: every one of them is the same 401.
func (k keys) read(token string, now time.Time) (*claims, error) {
	c := &claims{}
	_, err := jwt.ParseWithClaims(token, c, k.pick,
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithAudience(audience),
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(),
		jwt.WithLeeway(leeway),
		jwt.WithStrictDecoding(),
		jwt.WithTimeFunc(func() time.Time { return now }))
	switch {
	case err != nil:
		return nil, err
	case c.IssuedAt == nil || c.ExpiresAt == nil:
		return nil, errNoTimes
	case c.Scope == scopeAdmin && c.life() > LongestAdmin, c.life() > LongestTicket:
		return nil, errTooLong
	}
	return c, nil
}

func (c *claims) life() time.Duration { return c.ExpiresAt.Sub(c.IssuedAt.Time) }

// pick chooses the key by the scope that the token claims. A token of another
// scope may be signed with either: it is known, and good for nothing.
func (k keys) pick(t *jwt.Token) (any, error) {
	if _, ok := t.Header["crit"]; ok {
		return nil, errCritical
	}
	c, _ := t.Claims.(*claims)
	switch c.Scope {
	case scopeAdmin:
		return usable(k.api...)
	case scopeJoin:
		return usable(k.ticket...)
	}
	return usable(slices.Concat(k.api, k.ticket)...)
}

func usable(secrets ...[]byte) (jwt.VerificationKeySet, error) {
	var set jwt.VerificationKeySet
	for _, secret := range secrets {
		if len(secret) > 0 {
			set.Keys = append(set.Keys, secret)
		}
	}
	if len(set.Keys) == 0 {
		return set, errNoKey
	}
	return set, nil
}

// Grant is what an admin token is good for.
type Grant struct {
	Room  string // "": all rooms
	Actor string // the person it speaks for, for the log; "": nobody is named
}

// GrantToken makes an admin token, good from now for life, at most LongestAdmin.
func GrantToken(secret []byte, g Grant, now time.Time, life time.Duration) string {
	return sign(secret, claims{RegisteredClaims: registered(g.Actor, now, life), Scope: scopeAdmin, Room: orNull(g.Room)})
}

// AdminToken makes an admin token for all rooms, good from now for life, at
// most LongestAdmin.
func AdminToken(secret []byte, now time.Time, life time.Duration) string {
	return GrantToken(secret, Grant{}, now, life)
}

// Ticket makes a ticket with which user may join the room under a role, which
// may be empty.
func Ticket(secret []byte, name, user, role string, now time.Time, life time.Duration) string {
	return DataTicket(secret, name, doorkeeper.Applicant{User: user, Role: role}, now, life)
}

// DataTicket makes a ticket that carries data beside the role: any JSON value but
// null, at most LongestData bytes as encoding/json writes it.
func DataTicket(secret []byte, name string, who doorkeeper.Applicant, now time.Time, life time.Duration) string {
	return sign(secret, claims{RegisteredClaims: registered(who.User, now, life), Scope: scopeJoin, Room: &name, Role: who.Role, Data: who.Data})
}

func registered(sub string, now time.Time, life time.Duration) jwt.RegisteredClaims {
	return jwt.RegisteredClaims{
		Subject:   sub,
		Audience:  jwt.ClaimStrings{audience},
		IssuedAt:  jwt.NewNumericDate(now),
		ExpiresAt: jwt.NewNumericDate(now.Add(life)),
	}
}

func sign(secret []byte, c claims) string {
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString(secret)
	if err != nil {
		panic(err) // HMAC over bytes cannot fail
	}
	return token
}
