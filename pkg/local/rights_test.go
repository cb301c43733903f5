package local

import (
	"bufio"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"usher/pkg/api"
	"usher/pkg/doorkeeper"
	"usher/pkg/vonage/vonagetest"
)

// environments are simulated platforms of both kinds, each with the variables of an
// account there.
func environments(t *testing.T) map[string]struct {
	platform vonagetest.Options
	vars     []string
} {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	private := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	const application = "78d335fa-323d-0114-9c3d-d6f0d48968cf"
	return map[string]struct {
		platform vonagetest.Options
		vars     []string
	}{
		"OpenTok": {
			vonagetest.Options{APIKey: "47000001", APISecret: "0123456789abcdef0123456789abcdef01234567"},
			[]string{"OPENTOK_API_KEY", "47000001", "OPENTOK_API_SECRET", "0123456789abcdef0123456789abcdef01234567"},
		},
		"Unified": {
			vonagetest.Options{ApplicationID: application, PublicKey: &key.PublicKey},
			[]string{"VONAGE_APPLICATION_ID", application, "VONAGE_PRIVATE_KEY", string(private)},
		},
	}
}

// TestTokensSayWhatARoleMayDo: the platform itself holds clients to the policy as far
// as it can, and the ticket's data comes with them.
func TestTokensSayWhatARoleMayDo(t *testing.T) {
	const teaching = `{"moderators":["teacher","warden"],"publish":{"camera":["teacher","speaker"],"screen":["teacher"],"audio":["teacher","voice"]}}`
	for environment, e := range environments(t) {
		t.Run(environment, func(t *testing.T) {
			platform := vonagetest.New(e.platform)
			server := httptest.NewServer(platform)
			t.Cleanup(func() { platform.Close(); server.Close() })
			r := start(t, settings(t, filepath.Join(t.TempDir(), "usher.db"), append(e.vars, "VONAGE_VIDEO_URL", server.URL)...))
			for name, policy := range map[string]string{"lesson": teaching, "free": `{}`} {
				if status, answer := r.admin("PUT", "/v1/rooms/"+name, policy); status != 201 {
					t.Fatalf("put: %d %v", status, answer)
				}
			}
			for _, who := range []struct{ room, role, right string }{
				{"lesson", "teacher", "moderator"},
				{"lesson", "speaker", "publisher"},
				{"lesson", "voice", "publisher"},
				{"lesson", "warden", "moderator"},
				{"lesson", "student", "subscriber"},
				{"lesson", "", "subscriber"},
				{"free", "teacher", "publisher"},
				{"free", "", "publisher"},
			} {
				ticket := api.DataTicket(r.settings.APISecret, who.room,
					doorkeeper.Applicant{User: "a " + who.role, Role: who.role, Data: json.RawMessage(`{"seat":7}`)}, time.Now(), time.Minute)
				status, answer := r.call(ticket, "POST", "/v1/rooms/"+who.room+"/join", "")
				if status != 200 {
					t.Fatalf("join: %d %v", status, answer)
				}
				c, err := platform.Connect(answer["sessionId"].(string), answer["token"].(string))
				if err != nil || c.Role != who.right || !strings.HasSuffix(c.Data, `,"data":{"seat":7}}`) {
					t.Errorf("%q connects in %s as %q with %s, %v; want %s", who.role, who.room, c.Role, c.Data, err, who.right)
				}
			}
		})
	}
}

// TestEndlessTicket: a token of a megabyte is refused by the server of headers over
// 64 KiB, before anybody reads it.
func TestEndlessTicket(t *testing.T) {
	r := start(t, settings(t, filepath.Join(t.TempDir(), "usher.db")))
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	go func() { // the server stops reading on the way
		_, _ = conn.Write([]byte("POST /v1/rooms/one-to-one/join HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + strings.Repeat("x", 1<<20) + "\r\n\r\n"))
	}()
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || answer.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("answered %v, %v", answer, err)
	}
}
