//go:build verify

package vonagetest

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"usher/pkg/epoch"
	"usher/pkg/room"
	"usher/pkg/vonage"
)

// peers are an SDK of the vendor's and the project's own client, both at work
// on one simulated platform.
type peers struct {
	t           *testing.T
	p           *Platform
	url         string
	environment string
	project     string
	secret      string // of the SDK: the API secret or the private key
	key         string // that proves a signature
	client      *vonage.Client
}

// sdk does one thing with the vendor's SDK.
func (s *peers) sdk(what string, args map[string]any) json.RawMessage {
	s.t.Helper()
	in := map[string]any{"environment": s.environment, "url": s.url, "project": s.project, "secret": s.secret, "do": what}
	for name, v := range args {
		in[name] = v
	}
	raw, _ := json.Marshal(in)
	cmd := exec.CommandContext(s.t.Context(), "node", "peer.js")
	cmd.Dir = "testdata/sdk"
	cmd.Stdin = bytes.NewReader(raw)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("the SDK's %s: %v (were they installed, npm ci in testdata/sdk?)\n%s", what, err, &stderr)
	}
	var answer struct{ Value json.RawMessage }
	if err := json.Unmarshal(out, &answer); err != nil {
		s.t.Fatalf("the SDK's %s printed %s", what, out)
	}
	return answer.Value
}

func (s *peers) sdkText(what string, args map[string]any) string {
	s.t.Helper()
	var text string
	if err := json.Unmarshal(s.sdk(what, args), &text); err != nil {
		s.t.Fatal(err)
	}
	return text
}

// eachEnvironment runs f against a platform of either environment.
func eachEnvironment(t *testing.T, f func(t *testing.T, s *peers)) {
	private := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(testRSA())})
	der, err := x509.MarshalPKIXPublicKey(&testRSA().PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	for name, c := range map[string]struct {
		account vonage.Account
		peers   peers
	}{
		"openTok": {
			vonage.Account{APIKey: testKey, APISecret: testSecret},
			peers{project: testKey, secret: testSecret, key: testSecret},
		},
		"unified": {
			vonage.Account{ApplicationID: testApp, PrivateKey: private},
			peers{project: testApp, secret: string(private), key: string(public)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := c.peers
			s.t, s.environment = t, name
			s.p, _ = both(t)
			server := httptest.NewServer(s.p)
			t.Cleanup(server.Close)
			s.url = server.URL
			s.client, err = vonage.NewClient(vonage.Options{Account: c.account, BaseURL: server.URL})
			if err != nil {
				t.Fatal(err)
			}
			f(t, &s)
		})
	}
}

// asked gives method and path of what the platform was asked from the n-th
// request on, with the ids that differ replaced by their names.
func (s *peers) asked(from int, names map[string]string) []string {
	var list []string
	for _, r := range s.p.Requests()[from:] {
		line := r.Method + " " + r.Path
		for id, name := range names {
			line = strings.ReplaceAll(line, id, name)
		}
		list = append(list, line)
		if r.Status >= 300 {
			s.t.Errorf("%s was answered with %d", line, r.Status)
		}
	}
	return list
}

func TestTheVendorsSDKAndOurClientAskForTheSame(t *testing.T) {
	eachEnvironment(t, func(t *testing.T, s *peers) {
		byClient := s.byClient(t)
		n := len(s.p.Requests())
		id := s.sdkText("create", nil)
		a, b := foreign(t, s.p, id, "a"), foreign(t, s.p, id, "b")
		s.sdk("signal", map[string]any{"session": id, "connection": "", "type": "warning", "data": "{}"})
		s.sdk("signal", map[string]any{"session": id, "connection": a.ID, "type": "warning", "data": "{}"})
		s.sdk("disconnect", map[string]any{"session": id, "connection": b.ID})
		bySDK := s.asked(n, map[string]string{id: "SESSION", a.ID: "A", b.ID: "B"})
		if d := cmp.Diff(bySDK, byClient); d != "" {
			t.Errorf("the SDK's requests (-) and our client's (+):\n%s", d)
		}
		if v, err := s.p.Session(id); err != nil || v.ArchiveMode != "always" || len(v.Connections) != 1 || len(s.p.Signals(id)) != 2 {
			t.Errorf("the SDK left the session as %+v, %v", v, err)
		}
	})
}

// byClient does with our client what the test does with the SDK.
func (s *peers) byClient(t *testing.T) []string {
	ctx := t.Context()
	id, err := s.client.CreateSession(ctx, true)
	if err != nil {
		t.Fatal(err)
	}
	a, b := foreign(t, s.p, id, "a"), foreign(t, s.p, id, "b")
	for _, err := range []error{
		s.client.Signal(ctx, id, "", "warning", []byte("{}")),
		s.client.Signal(ctx, id, a.ID, "warning", []byte("{}")),
		s.client.Disconnect(ctx, id, b.ID),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return s.asked(0, map[string]string{id: "SESSION", a.ID: "A", b.ID: "B"})
}

func TestTheVendorsSDKReadsStreamsAndMutes(t *testing.T) {
	eachEnvironment(t, func(t *testing.T, s *peers) {
		id := s.sdkText("create", nil)
		c := foreign(t, s.p, id, "a")
		stream, err := s.p.Publish(id, c.ID, "screen", "slides")
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		if err := json.Unmarshal(s.sdk("streams", map[string]any{"session": id}), &ids); err != nil || len(ids) != 1 || ids[0] != stream.ID {
			t.Errorf("the SDK lists %v, %v", ids, err)
		}
		s.sdk("mute", map[string]any{"session": id, "stream": stream.ID})
		if !s.p.Connected(id)[0].Streams[0].Muted {
			t.Error("it is not muted")
		}
	})
}

// Times, ids and what is drawn at random.
var changing = []string{"iat", "exp", "create_time", "expire_time", "nonce", "jti"}

// claimsIn reads a token without proof, the changing values replaced by their types.
func claimsIn(t *testing.T, token string) jwt.MapClaims {
	t.Helper()
	c := jwt.MapClaims{}
	if _, _, err := jwt.NewParser().ParseUnverified(token, c); err != nil {
		t.Fatal(err)
	}
	for _, name := range changing {
		switch c[name].(type) {
		case float64:
			c[name] = "a number"
		case string:
			c[name] = "a text"
		}
	}
	return c
}

func TestOurTokensAreTheVendorsSDKs(t *testing.T) {
	eachEnvironment(t, func(t *testing.T, s *peers) {
		id := s.sdkText("create", nil)
		now, life := time.Now(), 4*time.Minute // the SDK takes seconds each time
		for _, right := range []room.Right{room.Subscriber, room.Publisher, room.Moderator} {
			s.compareTokens(t, room.Pass{Session: id, Data: "who", Right: right, Now: epoch.Of(now), Expires: epoch.Of(now.Add(life))})
		}
	})
}

// compareTokens holds our token for a pass to the SDK's.
func (s *peers) compareTokens(t *testing.T, p room.Pass) {
	role := string(p.Right)
	ours, err := s.client.Credentials(p)
	if err != nil {
		t.Fatal(err)
	}
	theirs := s.sdkText("token", map[string]any{"session": p.Session, "data": p.Data, "role": role, "expires": p.Expires.Seconds()})
	if d := cmp.Diff(claimsIn(t, theirs), claimsIn(t, ours.Token)); d != "" {
		t.Errorf("the SDK's claims of a %s (-) and ours (+):\n%s", role, d)
	}
	for name, token := range map[string]string{"the SDK's": theirs, "ours": ours.Token} {
		c, err := s.p.Connect(p.Session, token)
		if err != nil || c.Data != p.Data || c.Role != role {
			t.Errorf("%s connects as %+v, %v", name, c, err)
		}
		if got := s.sdk("verify", map[string]any{"token": token, "key": s.key}); string(got) != "true" {
			t.Errorf("%s is not signed well by the SDK's judgement", name)
		}
	}
	if got := s.sdk("verify", map[string]any{"token": ours.Token + "x", "key": s.key}); string(got) != "false" {
		t.Error("the SDK takes a forged token")
	}
}
