package vonage

import (
	"math/rand/v2"

	"github.com/golang-jwt/jwt/v5"
)

// openTok is the legacy environment: everything is signed with the API secret.
type openTok struct {
	key    string
	secret []byte
}

func (openTok) home() string { return "https://api.opentok.com" }

func (openTok) header(token string) (string, string) { return "X-OPENTOK-AUTH", token }

func (o openTok) pass(p period, id string) (string, error) {
	return o.sign(jwt.MapClaims{
		"iss": o.key,
		"ist": "project",
		"iat": p.issued,
		"exp": p.expires,
		"jti": id,
	})
}

// ticket has the claims of the vendor's Node and Python SDKs; their nonce is a
// number too.
func (o openTok) ticket(g grant) (string, error) {
	return o.sign(jwt.MapClaims{
		"iss":                       o.key,
		"ist":                       "project",
		"iat":                       g.issued,
		"exp":                       g.expires,
		"session_id":                g.session,
		"create_time":               g.issued,
		"nonce":                     rand.Uint32(),
		"role":                      g.right,
		"expire_time":               g.expires,
		"connection_data":           g.data,
		"initial_layout_class_list": "",
		"scope":                     clientScope,
	})
}

func (o openTok) sign(claims jwt.MapClaims) (string, error) {
	return jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(o.secret)
}
