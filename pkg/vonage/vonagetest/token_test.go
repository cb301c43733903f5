package vonagetest

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func TestATokenIsCheckedWhenItsBearerConnects(t *testing.T) {
	p, _ := both(t)
	id, app := p.CreateSession(), p.create(testApp, "manual")
	for name, c := range map[string]struct {
		session, token string
		want           int
	}{
		"opentok":                       {id, hs256(t, openTokClient(id, nil)), 200},
		"opentok, its own session":      {"", hs256(t, openTokClient(id, nil)), 200},
		"opentok expired":               {id, hs256(t, openTokClient(id, jwt.MapClaims{"exp": seconds(-time.Second)})), 403},
		"opentok with expire_time past": {id, hs256(t, openTokClient(id, jwt.MapClaims{"expire_time": seconds(-time.Second)})), 403},
		"opentok of another key":        {id, hs256(t, openTokClient(id, jwt.MapClaims{"iss": "654321"})), 403},
		"opentok of an account":         {id, hs256(t, openTokClient(id, jwt.MapClaims{"ist": "account"})), 403},
		"opentok without scope":         {id, hs256(t, openTokClient(id, jwt.MapClaims{"scope": nil})), 403},
		"opentok for another session":   {id, hs256(t, openTokClient(p.CreateSession(), nil)), 403},
		"opentok without a session":     {id, hs256(t, openTokClient(id, jwt.MapClaims{"session_id": nil})), 403},
		"opentok for a year":            {id, hs256(t, openTokClient(id, jwt.MapClaims{"exp": seconds(365 * 24 * time.Hour)})), 403},
		"opentok forged":                {id, signed(t, jwt.SigningMethodHS256, []byte("guess"), openTokClient(id, nil)), 403},
		"opentok, an unknown role":      {id, hs256(t, openTokClient(id, jwt.MapClaims{"role": "teacher"})), 403},
		"opentok, data too long":        {id, hs256(t, openTokClient(id, jwt.MapClaims{"connection_data": strings.Repeat("é", 1001)})), 403},
		"opentok, most data":            {id, hs256(t, openTokClient(id, jwt.MapClaims{"connection_data": strings.Repeat("é", 1000)})), 200},
		"a session of another project":  {"", hs256(t, openTokClient(newSessionID("1_", "654321", time.Now()), nil)), 404},
		"unified":                       {app, rs256(t, unifiedClient(app, nil)), 200},
		"unified expired":               {app, rs256(t, unifiedClient(app, jwt.MapClaims{"exp": seconds(-time.Second)})), 403},
		"unified of another":            {app, rs256(t, unifiedClient(app, jwt.MapClaims{"application_id": "other"})), 403},
		"unified without sub":           {app, rs256(t, unifiedClient(app, jwt.MapClaims{"sub": nil})), 403},
		"unified without acl":           {app, rs256(t, unifiedClient(app, jwt.MapClaims{"acl": nil})), 403},
		"unified, another scope":        {app, rs256(t, unifiedClient(app, jwt.MapClaims{"scope": "session"})), 403},
		"unified claims, the secret":    {app, hs256(t, unifiedClient(app, nil)), 403},
		"a request token":               {id, hs256(t, projectClaims(nil)), 403},
		"no token":                      {id, "", 403},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := p.Connect(c.session, c.token)
			if statusOf(err) != c.want {
				t.Fatalf("got %v, want %d", err, c.want)
			}
			if err == nil && (got.Role != "publisher" || !strings.HasPrefix(got.Data, "who") && len(got.Data) < 1000) {
				t.Fatalf("got %+v", got)
			}
		})
	}
}

// Everything here is signed with the right key for its session's project; the
// session is the other project's, whose tokens it would need.
func TestATokenOfOneProjectDoesNotOpenTheOther(t *testing.T) {
	p, _ := both(t)
	id, app := p.CreateSession(), p.create(testApp, "manual")
	_, err := p.Connect(app, hs256(t, openTokClient(app, nil)))
	wantError(t, err, 403)
	_, err = p.Connect(id, rs256(t, unifiedClient(id, nil)))
	wantError(t, err, 403)
}

// The platform refuses a token whose iat is later than its own now, whoever
// carries it, and takes one of this very second.
func TestATokenOfTheFutureIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := both(t)
		defer p.Close()
		id, app := p.CreateSession(), p.create(testApp, "manual")
		for ahead, want := range map[time.Duration]int{0: 200, time.Second: 403} {
			iat := jwt.MapClaims{"iat": seconds(ahead)}
			wantStatus(t, rest(t, p, "GET", path(id, "/connection"), "", "X-OPENTOK-AUTH", hs256(t, projectClaims(iat))), want)
			wantStatus(t, rest(t, p, "GET", "/v2/project/"+testApp+"/session/"+app+"/connection", "",
				"Authorization", "Bearer "+rs256(t, applicationClaims(iat))), want)
			for session, token := range map[string]string{id: hs256(t, openTokClient(id, iat)), app: rs256(t, unifiedClient(app, iat))} {
				if _, err := p.Connect(session, token); statusOf(err) != want {
					t.Errorf("with iat %v ahead: got %v, want %d", ahead, err, want)
				}
			}
		}
	})
}

func TestOneTokenOpensSeveralConnectionsUntilItExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := both(t)
		id := p.CreateSession()
		token := hs256(t, openTokClient(id, nil))
		for range 3 {
			if _, err := p.Connect(id, token); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(2 * time.Minute)
		_, err := p.Connect(id, token)
		wantError(t, err, http.StatusForbidden)
		if n := len(p.Connected(id)); n != 3 {
			t.Fatalf("%d are in: expiry ends no live connection", n)
		}
		p.Close()
	})
}

func TestRolesLimitWhatAClientMayDo(t *testing.T) {
	p, _ := both(t)
	id := p.CreateSession()
	for role, want := range map[string]int{"subscriber": 403, "publisher": 200, "moderator": 200, "publisheronly": 200} {
		t.Run(role, func(t *testing.T) {
			c, err := p.ConnectForeign(id, "", role)
			if err != nil {
				t.Fatal(err)
			}
			_, err = p.Publish(id, c.ID, "camera", "")
			wantError(t, err, want)
			wantError(t, p.Signal(id, c.ID, "", "hi", "x"), want)
		})
	}
	_, err := p.ConnectForeign(id, "", "teacher")
	wantError(t, err, 400)
	_, err = p.Publish(id, p.Connected(id)[0].ID, "hologram", "")
	wantError(t, err, 400)
}
