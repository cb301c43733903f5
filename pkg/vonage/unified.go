package vonage

import (
	"crypto/rsa"

	"github.com/golang-jwt/jwt/v5"
)

// unifiedVideo is the environment of Vonage applications: everything is signed
// with the application's RSA key, in about a millisecond.
type unifiedVideo struct {
	application string
	key         *rsa.PrivateKey
}

func (unifiedVideo) home() string { return "https://video.api.vonage.com" }

func (unifiedVideo) header(token string) (string, string) { return "Authorization", "Bearer " + token }

func (u unifiedVideo) pass(p period, id string) (string, error) {
	return u.sign(jwt.MapClaims{
		"application_id": u.application,
		"iat":            p.issued,
		"exp":            p.expires,
		"jti":            id,
	})
}

// ticket has the claims of the vendor's Node and Python SDKs.
func (u unifiedVideo) ticket(g grant) (string, error) {
	return u.sign(jwt.MapClaims{
		"application_id":            u.application,
		"scope":                     clientScope,
		"session_id":                g.session,
		"role":                      g.right,
		"connection_data":           g.data,
		"initial_layout_class_list": "",
		"sub":                       "video",
		"acl":                       map[string]any{"paths": map[string]any{"/session/**": struct{}{}}},
		"iat":                       g.issued,
		"exp":                       g.expires,
		"jti":                       g.id,
	})
}

func (u unifiedVideo) sign(claims jwt.MapClaims) (string, error) {
	return jwt.NewWithClaims(jwt.SigningMethodRS256, claims).SignedString(u.key)
}
