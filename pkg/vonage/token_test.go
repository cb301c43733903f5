package vonage

import (
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"usher/pkg/epoch"
	"usher/pkg/room"
)

// claimsOf checks the token's signature and gives its claims.
func claimsOf(t *testing.T, token, method string, key any) jwt.MapClaims {
	t.Helper()
	claims := jwt.MapClaims{}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{method}), jwt.WithoutClaimsValidation())
	if _, err := parser.ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return key, nil }); err != nil {
		t.Fatal(err)
	}
	return claims
}

func openTokClaims(t *testing.T, token string) jwt.MapClaims {
	return claimsOf(t, token, "HS256", []byte(apiSecret))
}

func unifiedClaims(t *testing.T, token string) jwt.MapClaims {
	return claimsOf(t, token, "RS256", &rsaKey().PublicKey)
}

const (
	from  = epoch.Instant(1_700_000_000_900)
	until = epoch.Instant(1_700_000_060_900)
)

var good = room.Pass{Session: sessionID, Data: `{"p":"x"}`, Now: from, Expires: until}

func TestCredentialsOpenTok(t *testing.T) {
	c := newClient(t, openTokAccount(), nil)
	got, err := c.Credentials(good)
	if err != nil {
		t.Fatal(err)
	}
	claims := openTokClaims(t, got.Token)
	if nonce, ok := claims["nonce"].(float64); !ok || nonce < 0 {
		t.Errorf("nonce %v", claims["nonce"])
	}
	delete(claims, "nonce")
	want := jwt.MapClaims{
		"iss": apiKey, "ist": "project", "iat": 1.7e9 - 60, "exp": 1.70000006e9,
		"session_id": sessionID, "create_time": 1.7e9 - 60, "role": "publisher", "expire_time": 1.70000006e9,
		"connection_data": `{"p":"x"}`, "initial_layout_class_list": "", "scope": "session.connect",
	}
	if d := cmp.Diff(want, claims); d != "" {
		t.Error(d)
	}
	got.Token = ""
	if want := (room.Credentials{APIKey: apiKey, Session: sessionID, Expires: 1_700_000_060_000}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestCredentialsUnified(t *testing.T) {
	c := newClient(t, unifiedAccount(), nil)
	got, err := c.Credentials(good)
	if err != nil {
		t.Fatal(err)
	}
	want := jwt.MapClaims{
		"application_id": applicationID, "scope": "session.connect", "session_id": sessionID, "role": "publisher",
		"connection_data": `{"p":"x"}`, "initial_layout_class_list": "", "sub": "video",
		"acl": map[string]any{"paths": map[string]any{"/session/**": map[string]any{}}},
		"iat": 1.7e9 - 60, "exp": 1.70000006e9, "jti": "an-id",
	}
	if d := cmp.Diff(want, unifiedClaims(t, got.Token)); d != "" {
		t.Error(d)
	}
	got.Token = ""
	if want := (room.Credentials{ApplicationID: applicationID, Session: sessionID, Expires: 1_700_000_060_000}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestCredentialsRefused(t *testing.T) {
	const month = 30 * 24 * time.Hour
	tests := []struct {
		name, session, data string
		right               room.Right
		expires             epoch.Instant
		good                bool
	}{
		{"a month", "s", "", "", from.Add(month - time.Minute), true},
		{"over a month", "s", "", "", from.Add(month - time.Minute + time.Second), false},
		{"less than a second", "s", "", "", from + 99, false},
		{"over already", "s", "", "", from - 1, false},
		{"1000 characters", "s", strings.Repeat("ä", 1000), "", until, true},
		{"1001 characters", "s", strings.Repeat("ä", 1001), "", until, false},
		{"no session", "", "", "", until, false},
		{"a right of the platform's that nobody is given", "s", "", "publisheronly", until, false},
		{"an unknown right", "s", "", "Moderator", until, false},
	}
	c := newClient(t, openTokAccount(), nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := c.Credentials(room.Pass{Session: tt.session, Data: tt.data, Right: tt.right, Now: from, Expires: tt.expires})
			if (err == nil) != tt.good || (got.Token != "") != tt.good {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

// TestCredentialsGiveTheRight: whatever the right, all else in the token is the same.
func TestCredentialsGiveTheRight(t *testing.T) {
	environments := map[string]struct {
		account Account
		claims  func(*testing.T, string) jwt.MapClaims
	}{"OpenTok": {openTokAccount(), openTokClaims}, "Unified": {unifiedAccount(), unifiedClaims}}
	rights := map[room.Right]string{"": "publisher", room.Subscriber: "subscriber", room.Publisher: "publisher", room.Moderator: "moderator"}
	for name, e := range environments {
		c := newClient(t, e.account, nil)
		plain, err := c.Credentials(good)
		if err != nil {
			t.Fatal(err)
		}
		for right, role := range rights {
			t.Run(name+" "+string(right), func(t *testing.T) {
				pass := good
				pass.Right = right
				got, err := c.Credentials(pass)
				if err != nil {
					t.Fatal(err)
				}
				want, claims := e.claims(t, plain.Token), e.claims(t, got.Token)
				want["role"] = role
				delete(want, "nonce")
				delete(claims, "nonce")
				if d := cmp.Diff(want, claims); d != "" {
					t.Error(d)
				}
			})
		}
	}
}

func TestPass(t *testing.T) {
	tests := []struct {
		name    string
		account Account
		claims  func(*testing.T, string) jwt.MapClaims
		want    jwt.MapClaims
	}{
		{"OpenTok", openTokAccount(), openTokClaims, jwt.MapClaims{"iss": apiKey, "ist": "project", "jti": "an-id"}},
		{"Unified", unifiedAccount(), unifiedClaims, jwt.MapClaims{"application_id": applicationID, "jti": "an-id"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			token, err := newClient(t, tt.account, nil).pass()
			if err != nil {
				t.Fatal(err)
			}
			tt.want["iat"], tt.want["exp"] = 1.7e9-60, 1.7e9-60+300
			if d := cmp.Diff(tt.want, tt.claims(t, token)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestPassIsKept(t *testing.T) {
	tests := []struct {
		name string
		move time.Duration
		same bool
	}{
		{"at once", 0, true},
		{"a minute before its end", 180*time.Second - time.Millisecond - clock().Sub(time.Unix(1_700_000_000, 0)), true},
		{"later", 180 * time.Second, false},
		{"the clock went back", -time.Second, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			now := clock()
			signings := 0
			c := newClient(t, openTokAccount(), func(o *Options) {
				o.Now = func() time.Time { return now }
				o.NewID = func() string { signings++; return "an-id" }
			})
			first, err := c.pass()
			if err != nil {
				t.Fatal(err)
			}
			now = now.Add(tt.move)
			second, err := c.pass()
			if err != nil || (signings == 1) != tt.same || (first == second) != tt.same {
				t.Errorf("signed %d times, error %v", signings, err)
			}
		})
	}
}

func BenchmarkCredentials(b *testing.B) {
	for name, account := range map[string]Account{"OpenTok": openTokAccount(), "Unified": unifiedAccount()} {
		c := newClient(b, account, nil)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := c.Credentials(good); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
