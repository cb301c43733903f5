package api

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"usher/pkg/problem"
)

// admin gives the claims of a good admin token, ticket those of a good ticket
// for the room maths, changed.
func adminClaims(change ...func(jwt.MapClaims)) jwt.MapClaims {
	c := jwt.MapClaims{
		"scope": "admin", "aud": "usher", "sub": "ops@school",
		"iat": seconds(0), "exp": seconds(time.Hour),
	}
	for _, f := range change {
		f(c)
	}
	return c
}

func ticketClaims(change ...func(jwt.MapClaims)) jwt.MapClaims {
	c := adminClaims(put("scope", "join"), put("sub", "alice"), put("room", "maths"))
	for _, f := range change {
		f(c)
	}
	return c
}

func put(name string, value any) func(jwt.MapClaims) {
	return func(c jwt.MapClaims) { c[name] = value }
}

func without(name string) func(jwt.MapClaims) {
	return func(c jwt.MapClaims) { delete(c, name) }
}

func seconds(d time.Duration) int64 { return noon.Std().Add(d).Unix() }

func signed(t testing.TB, method jwt.SigningMethod, key any, c jwt.MapClaims) string {
	t.Helper()
	token, err := jwt.NewWithClaims(method, c).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func hs256(t testing.TB, secret []byte, c jwt.MapClaims) string {
	return signed(t, jwt.SigningMethodHS256, secret, c)
}

// rawToken signs claims that no library would write.
func rawToken(secret []byte, claims string) string {
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	signature, err := jwt.SigningMethodHS256.Sign(text, secret)
	if err != nil {
		panic(err) // HMAC over bytes cannot fail
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func TestRawTokensAreTakenWhereTheyAreGood(t *testing.T) {
	token := rawToken(apiSecret, `{"scope":"admin","aud":"usher","iat":1796126400,"exp":1796126500,"room":"maths"}`)
	answered(t, newDesk(t).ask("GET", "/v1/rooms/maths", "", bearer(token)), 200)
}

func TestAdminTokensAreRefused(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	good := hs256(t, apiSecret, adminClaims())
	critical := jwt.NewWithClaims(jwt.SigningMethodHS256, adminClaims())
	critical.Header["crit"] = []string{"b64"}
	crit, _ := critical.SignedString(apiSecret)
	tests := map[string]string{
		"no token":                      "",
		"other scheme":                  "Basic " + good,
		"bare token":                    good,
		"not a token":                   "Bearer x",
		"two tokens":                    "Bearer " + good + " " + good,
		"other secret":                  "Bearer " + hs256(t, []byte("some other secret of that length.."), adminClaims()),
		"signed with the ticket secret": "Bearer " + hs256(t, ticketSecret, adminClaims()),
		"signature changed":             "Bearer " + spoil(good),
		"no signature":                  "Bearer " + good[:strings.LastIndex(good, ".")+1],
		"algorithm none":                "Bearer " + signed(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, adminClaims()),
		"algorithm HS512":               "Bearer " + signed(t, jwt.SigningMethodHS512, apiSecret, adminClaims()),
		"algorithm RS256":               "Bearer " + signed(t, jwt.SigningMethodRS256, key, adminClaims()),
		"RS256 over an HMAC":            "Bearer " + renamed(good, `{"alg":"RS256","typ":"JWT"}`),
		"alg in lower case":             "Bearer " + renamed(good, `{"alg":"hs256","typ":"JWT"}`),
		"unknown critical":              "Bearer " + crit,
		"expired":                       "Bearer " + hs256(t, apiSecret, adminClaims(put("iat", seconds(-time.Hour)), put("exp", seconds(-31*time.Second)))),
		"no exp":                        "Bearer " + hs256(t, apiSecret, adminClaims(without("exp"))),
		"null exp":                      "Bearer " + hs256(t, apiSecret, adminClaims(put("exp", nil))),
		"no iat":                        "Bearer " + hs256(t, apiSecret, adminClaims(without("iat"))),
		"iat ahead":                     "Bearer " + hs256(t, apiSecret, adminClaims(put("iat", seconds(32*time.Second)))),
		"not yet":                       "Bearer " + hs256(t, apiSecret, adminClaims(put("nbf", seconds(time.Minute)))),
		"lives over 24 h":               "Bearer " + hs256(t, apiSecret, adminClaims(put("exp", seconds(24*time.Hour+time.Second)))),
		"lives for ever":                "Bearer " + hs256(t, apiSecret, adminClaims(put("exp", 1e300))),
		"old and lives over 24h":        "Bearer " + hs256(t, apiSecret, adminClaims(put("iat", seconds(-24*time.Hour)))),
		"other audience":                "Bearer " + hs256(t, apiSecret, adminClaims(put("aud", "door"))),
		"no audience":                   "Bearer " + hs256(t, apiSecret, adminClaims(without("aud"))),
		"room that is no text":          "Bearer " + hs256(t, apiSecret, adminClaims(put("room", 5))),
		"null room":                     "Bearer " + hs256(t, apiSecret, adminClaims(put("room", nil))),
		"another claim null":            "Bearer " + hs256(t, apiSecret, adminClaims(put("class", nil))),
		"room in another case":          "Bearer " + hs256(t, apiSecret, adminClaims(put("Room", "maths"))),
		"exp in another case":           "Bearer " + hs256(t, apiSecret, adminClaims(without("exp"), put("EXP", seconds(time.Hour)))),
		"scope in another alphabet":     "Bearer " + hs256(t, apiSecret, adminClaims(put("\u017fcope", "join"))),
		"room twice":                    "Bearer " + rawToken(apiSecret, `{"scope":"admin","aud":"usher","iat":1796126400,"exp":1796126500,"room":"art","room":"maths"}`),
		"room twice, once escaped":      "Bearer " + rawToken(apiSecret, `{"scope":"admin","aud":"usher","iat":1796126400,"exp":1796126500,"room":"art","\u0072oom":"maths"}`),
		"unknown claim twice":           "Bearer " + rawToken(apiSecret, `{"scope":"admin","aud":"usher","iat":1796126400,"exp":1796126500,"x":1,"x":2}`),
		"claims not UTF-8":              "Bearer " + rawToken(apiSecret, `{"scope":"admin","aud":"usher","iat":1796126400,"exp":1796126500,"x":"`+"\xff"+`"}`),
		"unknown scope, unknown secret": "Bearer " + hs256(t, []byte("some other secret of that length.."), adminClaims(put("scope", "x"))),
	}
	for name, authorization := range tests {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			w := d.ask("GET", "/v1/rooms/maths", "", header("Authorization", authorization))
			refused(t, w, 401, codeUnauthorized)
			if w.Header().Get("WWW-Authenticate") != "Bearer" || d.stub.said != "" {
				t.Errorf("WWW-Authenticate %q, the service was asked %q", w.Header().Get("WWW-Authenticate"), d.stub.said)
			}
		})
	}
}

// spoil changes the signature of a token.
func spoil(token string) string {
	i := strings.LastIndex(token, ".") + 1
	first := byte('A')
	if token[i] == 'A' {
		first = 'B'
	}
	return token[:i] + string(first) + token[i+1:]
}

// renamed gives token another header.
func renamed(token, head string) string {
	_, rest, _ := strings.Cut(token, ".")
	return base64.RawURLEncoding.EncodeToString([]byte(head)) + "." + rest
}

func TestAdminTokensAreTaken(t *testing.T) {
	tests := map[string]jwt.MapClaims{
		"plain":              adminClaims(),
		"audience in a list": adminClaims(put("aud", []string{"door", "usher"})),
		"lives 24 h":         adminClaims(put("exp", seconds(24*time.Hour))),
		"just expired":       adminClaims(put("iat", seconds(-time.Hour)), put("exp", seconds(-29*time.Second))),
		"iat a bit ahead":    adminClaims(put("iat", seconds(29*time.Second))),
		"for this room":      adminClaims(put("room", "maths")),
		"claims of others":   adminClaims(put("jti", "x"), put("iss", "school"), put("https://school.example/class", []int{1})),
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			answered(t, newDesk(t).ask("GET", "/v1/rooms/maths", "", bearer(hs256(t, apiSecret, c))), 200)
		})
	}
	t.Run("scheme in lower case", func(t *testing.T) {
		w := newDesk(t).ask("GET", "/v1/rooms/maths", "", header("Authorization", "bearer "+hs256(t, apiSecret, adminClaims())))
		answered(t, w, 200)
	})
}

func TestTokensForSomethingElse(t *testing.T) {
	tests := map[string]struct {
		method, target, token string
		code                  problem.Code
	}{
		"ticket for an admin": {"GET", "/v1/rooms/maths", hs256(t, ticketSecret, ticketClaims()), codeWrongScope},
		"admin for a ticket":  {"POST", "/v1/rooms/maths/join", hs256(t, apiSecret, adminClaims(put("room", "maths"))), codeWrongScope},
		"no scope":            {"GET", "/v1/rooms/maths", hs256(t, apiSecret, adminClaims(without("scope"))), codeWrongScope},
		"no scope, ticket":    {"POST", "/v1/rooms/maths/join", hs256(t, ticketSecret, ticketClaims(without("scope"))), codeWrongScope},
		"scope with more":     {"GET", "/v1/rooms/maths", hs256(t, apiSecret, adminClaims(put("scope", "admin join"))), codeWrongScope},
		"scope in capitals":   {"GET", "/v1/rooms/maths", hs256(t, apiSecret, adminClaims(put("scope", "Admin"))), codeWrongScope},
		"other room":          {"GET", "/v1/rooms/maths", hs256(t, apiSecret, adminClaims(put("room", "art"))), codeWrongRoom},
		"empty room":          {"GET", "/v1/rooms/maths", hs256(t, apiSecret, adminClaims(put("room", ""))), codeWrongRoom},
		"all rooms":           {"GET", "/v1/rooms", hs256(t, apiSecret, adminClaims(put("room", "maths"))), codeWrongRoom},
		"all rooms, empty":    {"GET", "/v1/rooms", hs256(t, apiSecret, adminClaims(put("room", ""))), codeWrongRoom},
		"ticket, other room":  {"POST", "/v1/rooms/maths/join", hs256(t, ticketSecret, ticketClaims(put("room", "art"))), codeWrongRoom},
		"ticket, no room":     {"POST", "/v1/rooms/maths/join", hs256(t, ticketSecret, ticketClaims(without("room"))), codeWrongRoom},
		"ticket, other case":  {"POST", "/v1/rooms/maths/join", hs256(t, ticketSecret, ticketClaims(put("room", "Maths"))), codeWrongRoom},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			refused(t, d.ask(tt.method, tt.target, "", bearer(tt.token)), 403, tt.code)
			if d.stub.said != "" {
				t.Errorf("the service was asked %q", d.stub.said)
			}
		})
	}
}

func TestTicketsAreRefused(t *testing.T) {
	tests := map[string]struct {
		token  string
		status int
		code   problem.Code
		field  string
	}{
		"signed with the API secret": {hs256(t, apiSecret, ticketClaims()), 401, codeUnauthorized, ""},
		"expired":                    {hs256(t, ticketSecret, ticketClaims(put("exp", seconds(-time.Minute)))), 401, codeUnauthorized, ""},
		"no exp":                     {hs256(t, ticketSecret, ticketClaims(without("exp"))), 401, codeUnauthorized, ""},
		"no iat":                     {hs256(t, ticketSecret, ticketClaims(without("iat"))), 401, codeUnauthorized, ""},
		"lives over 90 days":         {hs256(t, ticketSecret, ticketClaims(put("exp", seconds(90*24*time.Hour+time.Second)))), 401, codeUnauthorized, ""},
		"null role":                  {hs256(t, ticketSecret, ticketClaims(put("role", nil))), 401, codeUnauthorized, ""},
		"role in another case":       {hs256(t, ticketSecret, ticketClaims(put("Role", "teacher"))), 401, codeUnauthorized, ""},
		"no user":                    {hs256(t, ticketSecret, ticketClaims(without("sub"))), 400, codeInvalidUser, ""},
		"long user":                  {hs256(t, ticketSecret, ticketClaims(put("sub", strings.Repeat("x", 129)))), 400, codeInvalidUser, ""},
		"user with a line break":     {hs256(t, ticketSecret, ticketClaims(put("sub", "a\nb"))), 400, codeInvalidUser, ""},
		"user with a lone surrogate": {hs256(t, ticketSecret, ticketClaims(put("sub", json.RawMessage(`"a\ud800"`)))), 400, codeInvalidUser, ""},
		"user turned round":          {hs256(t, ticketSecret, ticketClaims(put("sub", "a\u202eb"))), 400, codeInvalidUser, ""},
		"role with a space":          {hs256(t, ticketSecret, ticketClaims(put("role", "a b"))), 400, problem.InvalidField, "role"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			p := refused(t, d.ask("POST", "/v1/rooms/maths/join", "", bearer(tt.token)), tt.status, tt.code)
			if p.Field != tt.field || d.stub.said != "" {
				t.Errorf("field %q, the service was asked %q", p.Field, d.stub.said)
			}
		})
	}
	t.Run("a ticket may live long", func(t *testing.T) {
		d := newDesk(t)
		token := hs256(t, ticketSecret, ticketClaims(put("exp", seconds(90*24*time.Hour)), put("role", "teacher")))
		answered(t, d.ask("POST", "/v1/rooms/maths/join", "", bearer(token)), 200)
		if d.stub.user != "alice" || d.stub.role != "teacher" || d.stub.name != "maths" {
			t.Errorf("joined %+v", d.stub)
		}
	})
}

// With one secret for both, the scope alone tells the tokens apart.
func TestOneSecretForBoth(t *testing.T) {
	for name, secret := range map[string][]byte{"given": apiSecret, "by default": nil} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, func(o *Options) { o.TicketSecret = secret })
			answered(t, d.ask("GET", "/v1/rooms/maths", "", bearer(hs256(t, apiSecret, adminClaims()))), 200)
			answered(t, d.ask("POST", "/v1/rooms/maths/join", "", bearer(hs256(t, apiSecret, ticketClaims()))), 200)
			refused(t, d.ask("GET", "/v1/rooms/maths", "", bearer(hs256(t, apiSecret, ticketClaims()))), 403, codeWrongScope)
			refused(t, d.ask("POST", "/v1/rooms/maths/join", "", bearer(hs256(t, apiSecret, adminClaims()))), 403, codeWrongScope)
		})
	}
}

// While a previous secret is set, whoever still signs with it is let in, and
// each kind of token by its own alone.
func TestPreviousSecrets(t *testing.T) {
	oldAPI, oldTicket, stolen := []byte("the API's secret of last summer, 32+"), []byte("the ticket secret of last summer, 32+"), []byte("an older secret, at least 32 bytes")
	tests := map[string]struct {
		previous Previous
		ticket   []byte // the present one
		secret   []byte
		admin    int
		join     int
	}{
		"none":                              {Previous{}, ticketSecret, oldAPI, 401, 401},
		"the API's":                         {Previous{APISecret: oldAPI}, ticketSecret, oldAPI, 200, 401},
		"the tickets'":                      {Previous{TicketSecret: oldTicket}, ticketSecret, oldTicket, 401, 200},
		"another than either":               {Previous{oldAPI, oldTicket}, ticketSecret, stolen, 401, 401},
		"one secret for both":               {Previous{APISecret: oldAPI}, nil, oldAPI, 200, 200},
		"tickets had a secret of their own": {Previous{TicketSecret: oldTicket}, nil, oldTicket, 401, 200},
		"tickets had the API's secret":      {Previous{TicketSecret: apiSecret}, ticketSecret, apiSecret, 200, 200},
		"the present ones hold":             {Previous{oldAPI, oldTicket}, nil, apiSecret, 200, 200},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, func(o *Options) { o.TicketSecret, o.Previous = tt.ticket, tt.previous })
			answered(t, d.ask("GET", "/v1/rooms/maths", "", bearer(hs256(t, tt.secret, adminClaims()))), tt.admin)
			answered(t, d.ask("POST", "/v1/rooms/maths/join", "", bearer(hs256(t, tt.secret, ticketClaims()))), tt.join)
		})
	}
}

func TestNoSecretLetsNobodyIn(t *testing.T) {
	d := newDesk(t, func(o *Options) { o.APISecret, o.TicketSecret = nil, nil })
	for name, c := range map[string]jwt.MapClaims{"admin": adminClaims(), "ticket": ticketClaims(), "other": adminClaims(put("scope", "x"))} {
		t.Run(name, func(t *testing.T) {
			refused(t, d.ask("GET", "/v1/rooms/maths", "", bearer(hs256(t, []byte{}, c))), 401, codeUnauthorized)
		})
	}
}

func TestActor(t *testing.T) {
	for sub, want := range map[string]string{"ops@school": "ops@school", "": "admin", "a\nb": "admin", strings.Repeat("x", 200): "admin"} {
		t.Run(want+" for "+clip(sub), func(t *testing.T) {
			d := newDesk(t)
			answered(t, d.ask("POST", "/v1/rooms/maths/end", "", bearer(hs256(t, apiSecret, adminClaims(put("sub", sub))))), 200)
			if d.stub.actor != want {
				t.Errorf("the actor is %q, want %q", d.stub.actor, want)
			}
		})
	}
}

func TestTokensThatAreMade(t *testing.T) {
	d := newDesk(t)
	own := GrantToken(apiSecret, Grant{Room: "maths"}, noon.Std(), time.Hour)
	answered(t, d.ask("GET", "/v1/rooms/maths", "", bearer(own)), 200)
	refused(t, d.ask("GET", "/v1/rooms/art", "", bearer(own)), 403, codeWrongRoom)
	refused(t, d.ask("GET", "/v1/rooms/art", "", bearer(AdminToken(apiSecret, noon.Std(), 25*time.Hour))), 401, codeUnauthorized)
	answered(t, d.ask("POST", "/v1/rooms/maths/join", "", bearer(Ticket(ticketSecret, "maths", "bob", "student", noon.Std(), time.Minute))), 200)
	if d.stub.user != "bob" || d.stub.role != "student" {
		t.Errorf("joined as %q, %q", d.stub.user, d.stub.role)
	}
}

// FuzzToken demands that no text but a token that verifies is read, and that
// reading never panics.
func FuzzToken(f *testing.F) {
	good := hs256(f, apiSecret, adminClaims())
	f.Add(good)
	f.Add(renamed(good, `{"alg":"none"}`))
	f.Add(hs256(f, ticketSecret, ticketClaims()))
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		c, err := keys{[][]byte{apiSecret}, [][]byte{ticketSecret}}.read(token, noon.Std())
		if err != nil {
			return
		}
		secret := apiSecret
		if c.Scope == scopeJoin {
			secret = ticketSecret
		}
		i := strings.LastIndex(token, ".")
		signature, _ := base64.RawURLEncoding.DecodeString(token[i+1:])
		if jwt.SigningMethodHS256.Verify(token[:i], signature, secret) != nil && (c.Scope == scopeAdmin || c.Scope == scopeJoin) {
			t.Errorf("%q was read", token)
		}
	})
}

// TestGrantToken: it is good for its room, and speaks for its person.
func TestGrantToken(t *testing.T) {
	now := time.Date(2026, 12, 1, 17, 0, 0, 0, time.UTC)
	secret := []byte("0123456789abcdef0123456789abcdef")
	for _, g := range []Grant{{}, {Room: "algebra", Actor: "ann"}} {
		c, err := keys{api: [][]byte{secret}}.read(GrantToken(secret, g, now, time.Hour), now)
		if err != nil || c.Scope != scopeAdmin || c.Subject != g.Actor || orEmpty(c.Room) != g.Room || (c.Room == nil) != (g.Room == "") {
			t.Errorf("%+v gives %+v, %v", g, c, err)
		}
	}
}
