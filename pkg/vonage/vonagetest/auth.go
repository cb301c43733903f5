package vonagetest

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Bounds that the vendor documents.
const (
	maxRequestLife = 5 * time.Minute     // of an X-OPENTOK-AUTH token
	maxTokenLife   = 30 * 24 * time.Hour // of a client token
	maxData        = 1000                // characters of connection data
	sessionScope   = "session.connect"   // of a client token
	sessionACL     = "/session/**"       // path that a Unified client token opens
)

// caller proves who sent a REST request and gives its project.
func (p *Platform) caller(r *http.Request) (project string, err error) {
	if raw := r.Header.Get("X-OPENTOK-AUTH"); raw != "" {
		return p.openTokCaller(raw)
	}
	raw, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return "", fail(http.StatusForbidden, "no X-OPENTOK-AUTH and no bearer token")
	}
	return p.unifiedCaller(raw)
}

func (p *Platform) openTokCaller(raw string) (string, error) {
	c, _, err := p.claims(raw, "HS256")
	switch {
	case err != nil:
		return "", err
	case text(c, "iss") != p.opts.APIKey:
		return "", forbid("iss is not the API key")
	case text(c, "ist") != "project":
		return "", forbid(`ist is not "project"`)
	case life(c) <= 0 || life(c) > maxRequestLife:
		return "", forbid("exp is more than 5 minutes after iat")
	}
	return p.opts.APIKey, nil
}

func (p *Platform) unifiedCaller(raw string) (string, error) {
	c, _, err := p.claims(raw, "RS256")
	switch {
	case err != nil:
		return "", err
	case text(c, "application_id") != p.opts.ApplicationID:
		return "", forbid("application_id is another application")
	case text(c, "jti") == "":
		return "", forbid("there is no jti")
	}
	return p.opts.ApplicationID, nil
}

// claims checks signature, algorithm and times of a token. Both iat and exp are
// required, and an iat later than now is refused, as the platform does
// (opentok-node issue 177). It gives the algorithm beside the claims.
func (p *Platform) claims(raw string, algorithms ...string) (c jwt.MapClaims, algorithm string, err error) {
	c = jwt.MapClaims{}
	token, err := jwt.ParseWithClaims(raw, c, p.key, jwt.WithValidMethods(algorithms),
		jwt.WithTimeFunc(p.now), jwt.WithExpirationRequired())
	if err != nil {
		return nil, "", forbid(err.Error())
	}
	iat, err := c.GetIssuedAt()
	if err != nil || iat == nil {
		return nil, "", forbid("there is no iat")
	}
	if iat.After(p.now()) {
		return nil, "", forbid("iat lies in the future")
	}
	return c, token.Method.Alg(), nil
}

// key is the one key of the token's algorithm, so that a public key is never
// taken for a secret.
func (p *Platform) key(t *jwt.Token) (any, error) {
	switch {
	case t.Method == jwt.SigningMethodHS256 && p.opts.APISecret != "":
		return []byte(p.opts.APISecret), nil
	case t.Method == jwt.SigningMethodRS256 && p.opts.PublicKey != nil:
		return p.opts.PublicKey, nil
	}
	return nil, fmt.Errorf("the project has no key for %s", t.Method.Alg())
}

// grant is what a client token gives its bearer.
type grant struct {
	session, role, data string
	token               [sha256.Size]byte // empty for a client made by the control API
}

// admit checks a client token as the platform does when a client connects,
// which is the only time that its expiry counts.
func (p *Platform) admit(session, raw string) (grant, error) {
	c, algorithm, err := p.claims(raw, "HS256", "RS256")
	if err != nil {
		return grant{}, err
	}
	if err := p.judgeIssuer(c, algorithm); err != nil {
		return grant{}, err
	}
	g := grant{session: text(c, "session_id"), role: text(c, "role"), data: text(c, "connection_data")}
	g.token = sha256.Sum256([]byte(raw))
	switch {
	case text(c, "scope") != sessionScope:
		return grant{}, forbid("scope is not " + sessionScope)
	case g.session != session && session != "":
		return grant{}, forbid("session_id is another session")
	case p.ours(g.session) && projectOf(g.session) != p.projectFor(algorithm):
		return grant{}, forbid("the session belongs to another project")
	case life(c) > maxTokenLife:
		return grant{}, forbid("a client token lives at most 30 days")
	case !p.unexpired(c):
		return grant{}, forbid("expire_time has passed")
	}
	return g, checkGrant(g)
}

// judgeIssuer checks the claims in which the two environments differ.
func (p *Platform) judgeIssuer(c jwt.MapClaims, algorithm string) error {
	if algorithm == "HS256" {
		if text(c, "iss") != p.opts.APIKey || text(c, "ist") != "project" {
			return forbid("iss or ist is not that of this project")
		}
		return nil
	}
	switch {
	case text(c, "application_id") != p.opts.ApplicationID:
		return forbid("application_id is another application")
	case text(c, "sub") != "video":
		return forbid(`sub is not "video"`)
	case !opensSessions(c):
		return forbid("acl does not open " + sessionACL)
	}
	return nil
}

// projectFor is the project whose tokens are signed by that algorithm.
func (p *Platform) projectFor(algorithm string) string {
	if algorithm == "HS256" {
		return p.opts.APIKey
	}
	return p.opts.ApplicationID
}

func opensSessions(c jwt.MapClaims) bool {
	acl, _ := c["acl"].(map[string]any)
	paths, _ := acl["paths"].(map[string]any)
	_, ok := paths[sessionACL]
	return ok
}

func checkGrant(g grant) error {
	switch g.role {
	case "subscriber", "publisher", "moderator", "publisheronly":
	default:
		return forbid("role is none of subscriber, publisher, moderator, publisheronly")
	}
	if len([]rune(g.data)) > maxData {
		return forbid("connection data is longer than 1000 characters")
	}
	return nil
}

// unexpired looks at expire_time, which OpenTok tokens carry beside exp.
func (p *Platform) unexpired(c jwt.MapClaims) bool {
	at, ok := c["expire_time"].(float64)
	return !ok || p.now().Before(time.Unix(int64(at), 0))
}

func life(c jwt.MapClaims) time.Duration {
	exp, _ := c.GetExpirationTime()
	iat, _ := c.GetIssuedAt()
	return exp.Sub(iat.Time)
}

func text(c jwt.MapClaims, name string) string {
	s, _ := c[name].(string)
	return s
}

func forbid(why string) error { return fail(http.StatusForbidden, "invalid token: "+why) }
