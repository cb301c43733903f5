package config

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// with is an environment.
func with(vars map[string]string) Lookup {
	return func(name string) (string, bool) {
		value, found := vars[name]
		return value, found
	}
}

var privateKey = sync.OnceValue(func() string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))
})

const (
	longSecret  = "0123456789abcdef0123456789abcdef"
	application = "4bc7f2a0-6d1e-4f83-9a25-0c8b7e6d5f41"
)

func TestDefaults(t *testing.T) {
	for name, vars := range map[string]map[string]string{
		"none set": {},
		"all empty": {
			"USHER_ADDR": "", "USHER_ROOMS": "", "USHER_STORE": "", "AWS_ENDPOINT_URL_DYNAMODB": "",
			"VONAGE_PRIVATE_KEY": "", "OPENTOK_API_KEY": "", "USHER_API_SECRET": "", "USHER_TOKEN_SECONDS": "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Load(with(vars))
			if err != nil {
				t.Fatal(err)
			}
			if s.Addr != "127.0.0.1:5000" || s.Metrics != "" || s.Data != "usher.db" || s.Store != Bolt || s.Table != "usher" ||
				s.TokenLife != time.Minute || s.Retention != 90*24*time.Hour || s.APISecret != nil || s.TicketSecret != nil || s.Origins != nil {
				t.Errorf("got %+v", s)
			}
			if !s.Platform.Simulated() || !s.Platform.Local() || s.Platform.Project() != "" {
				t.Errorf("platform %+v", s.Platform)
			}
			if len(s.Rooms) != 2 || s.Rooms[0].Name != "one-to-one" || s.Rooms[0].Policy.MaxSeats() != 2 || !s.Rooms[0].Policy.Demo() ||
				s.Rooms[1].Name != "limited-time-room" || s.Rooms[1].Policy.LessonSeconds() != 60 || !s.Rooms[1].Policy.Demo() {
				t.Errorf("rooms %v", s.Rooms)
			}
		})
	}
}

func TestAllSet(t *testing.T) {
	rooms := filepath.Join(t.TempDir(), "rooms.json")
	write(t, rooms, `{"rooms":{"b":{"maxSeats":2},"a":{}}}`)
	s, err := Load(with(map[string]string{
		"USHER_ADDR": "[::1]:0", "USHER_ROOMS": rooms, "USHER_DATA": "x.db", "USHER_TABLE": "rooms.test",
		"AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:8000", "VONAGE_APPLICATION_ID": strings.ToUpper(application),
		"VONAGE_PRIVATE_KEY": strings.ReplaceAll(privateKey(), "\n", `\n`), "VONAGE_VIDEO_URL": "https://video.example.com/",
		"VONAGE_SIGNATURE_SECRET": strings.Repeat("éa", 25), "USHER_API_SECRET": longSecret, "USHER_TICKET_SECRET": longSecret + "2",
		"USHER_ORIGINS": "https://school.example, http://localhost:3000,https://school.example,http://[::1]:8080", "USHER_TOKEN_SECONDS": "300",
		"USHER_RETENTION_DAYS": "400", "USHER_METRICS_ADDR": "0.0.0.0:9464",
		"USHER_CALLBACK_SOURCES": "192.0.2.0/24, 2001:db8::7,::ffff:198.51.100.7",
	}))
	if err != nil {
		t.Fatal(err)
	}
	if s.Store != DynamoDB || s.Metrics != "0.0.0.0:9464" || string(s.Platform.PrivateKey) != privateKey() || s.Platform.Simulated() || s.Platform.Local() ||
		s.Platform.Project() != application || s.Platform.URL != "https://video.example.com" || s.TokenLife != 5*time.Minute || s.Retention != 400*24*time.Hour ||
		string(s.APISecret) != longSecret || string(s.TicketSecret) != longSecret+"2" {
		t.Errorf("got %+v", s)
	}
	if !slices.Equal(s.Origins, []string{"https://school.example", "http://localhost:3000", "http://[::1]:8080"}) {
		t.Errorf("origins %q", s.Origins)
	}
	if got := fmt.Sprint(s.CallbackSources); got != "[192.0.2.0/24 2001:db8::7/128 198.51.100.7/32]" {
		t.Errorf("sources %s", got)
	}
	if len(s.Rooms) != 2 || s.Rooms[0].Name != "b" || s.Rooms[0].Policy.MaxSeats() != 2 || s.Rooms[1].Name != "a" {
		t.Errorf("rooms %v", s.Rooms)
	}
}

func unified() map[string]string {
	return map[string]string{"VONAGE_APPLICATION_ID": application, "VONAGE_PRIVATE_KEY": privateKey(), "VONAGE_SIGNATURE_SECRET": "k"}
}

var opentok = map[string]string{"OPENTOK_API_KEY": "123", "OPENTOK_API_SECRET": "s", "VONAGE_SIGNATURE_SECRET": "k"}

// wrongVariables are environments and the names of what is wrong, in order.
var wrongVariables = []struct {
	name  string
	vars  map[string]string
	wrong string
}{
	{"address without a port", map[string]string{"USHER_ADDR": "127.0.0.1"}, "USHER_ADDR"},
	{"port in words", map[string]string{"USHER_ADDR": ":http"}, "USHER_ADDR"},
	{"port too high", map[string]string{"USHER_ADDR": ":65536"}, "USHER_ADDR"},
	{"metrics without a port", map[string]string{"USHER_METRICS_ADDR": "127.0.0.1"}, "USHER_METRICS_ADDR"},
	{"metrics with the rest", map[string]string{"USHER_METRICS_ADDR": "127.0.0.1:5000"}, "USHER_METRICS_ADDR"},
	{"metrics on a URL", map[string]string{"USHER_METRICS_ADDR": "http://127.0.0.1:9464/metrics"}, "USHER_METRICS_ADDR"},
	{"no such file of rooms", map[string]string{"USHER_ROOMS": "/nowhere/rooms.json"}, "USHER_ROOMS"},
	{"unknown store", map[string]string{"USHER_STORE": "sqlite"}, "USHER_STORE"},
	{"table's name", map[string]string{"USHER_TABLE": "a b"}, "USHER_TABLE"},
	{"endpoint not absolute", map[string]string{"AWS_ENDPOINT_URL_DYNAMODB": "localhost:8000"}, "AWS_ENDPOINT_URL_DYNAMODB"},
	{"token life short", map[string]string{"USHER_TOKEN_SECONDS": "29"}, "USHER_TOKEN_SECONDS"},
	{"token life long", map[string]string{"USHER_TOKEN_SECONDS": "301"}, "USHER_TOKEN_SECONDS"},
	{"token life in words", map[string]string{"USHER_TOKEN_SECONDS": "60s"}, "USHER_TOKEN_SECONDS"},
	{"no retention", map[string]string{"USHER_RETENTION_DAYS": "0"}, "USHER_RETENTION_DAYS"},
	{"retention long", map[string]string{"USHER_RETENTION_DAYS": "401"}, "USHER_RETENTION_DAYS"},
	{"retention in words", map[string]string{"USHER_RETENTION_DAYS": "90d"}, "USHER_RETENTION_DAYS"},
	{"secrets short", map[string]string{"USHER_API_SECRET": longSecret[1:], "USHER_TICKET_SECRET": "x"}, "USHER_API_SECRET USHER_TICKET_SECRET"},
	{"a host within a network", map[string]string{"USHER_CALLBACK_SOURCES": "192.0.2.7/24"}, "USHER_CALLBACK_SOURCES"},
	{"two wrong networks", map[string]string{"USHER_CALLBACK_SOURCES": "192.0.2.0/24,,vonage.example"}, "USHER_CALLBACK_SOURCES USHER_CALLBACK_SOURCES"},
	{"an address with a zone", map[string]string{"USHER_CALLBACK_SOURCES": "fe80::1%eth0"}, "USHER_CALLBACK_SOURCES"},
	{"a network mapped into IPv6", map[string]string{"USHER_CALLBACK_SOURCES": "::ffff:192.0.2.0/120"}, "USHER_CALLBACK_SOURCES"},
	{"sources of white space", map[string]string{"USHER_CALLBACK_SOURCES": " "}, "USHER_CALLBACK_SOURCES"},
	{"origin with a slash", map[string]string{"USHER_ORIGINS": "https://a.example/"}, "USHER_ORIGINS"},
	{"origin with a star", map[string]string{"USHER_ORIGINS": "https://*.a.example"}, "USHER_ORIGINS"},
	{"any origin", map[string]string{"USHER_ORIGINS": "*"}, "USHER_ORIGINS"},
	{"null origin", map[string]string{"USHER_ORIGINS": "null"}, "USHER_ORIGINS"},
	{"origin's default port", map[string]string{"USHER_ORIGINS": "https://a.example:443"}, "USHER_ORIGINS"},
	{"origin without a port after the colon", map[string]string{"USHER_ORIGINS": "https://a.example:"}, "USHER_ORIGINS"},
	{"origin in capitals", map[string]string{"USHER_ORIGINS": "https://A.example"}, "USHER_ORIGINS"},
	{"origin with a user", map[string]string{"USHER_ORIGINS": "https://u@a.example"}, "USHER_ORIGINS"},
	{"two wrong origins", map[string]string{"USHER_ORIGINS": "https://a.example,a.example,"}, "USHER_ORIGINS USHER_ORIGINS"},

	{"key without secret", map[string]string{"OPENTOK_API_KEY": "123", "VONAGE_SIGNATURE_SECRET": "k"}, "OPENTOK_API_SECRET"},
	{"secret without key", map[string]string{"OPENTOK_API_SECRET": "s"}, "OPENTOK_API_KEY"},
	{"application without key", map[string]string{"VONAGE_APPLICATION_ID": application, "VONAGE_SIGNATURE_SECRET": "k"}, "VONAGE_PRIVATE_KEY"},
	{"key without application", map[string]string{"VONAGE_PRIVATE_KEY": privateKey()}, "VONAGE_APPLICATION_ID"},
	{
		"both pairs", merge(opentok, "VONAGE_APPLICATION_ID", application, "VONAGE_PRIVATE_KEY", privateKey()),
		"VONAGE_APPLICATION_ID, VONAGE_PRIVATE_KEY, OPENTOK_API_KEY, OPENTOK_API_SECRET",
	},
	{"key is not PEM", map[string]string{"VONAGE_APPLICATION_ID": application, "VONAGE_PRIVATE_KEY": "secret!", "VONAGE_SIGNATURE_SECRET": "k"}, "VONAGE_PRIVATE_KEY"},
	{"key is another PEM", map[string]string{
		"VONAGE_APPLICATION_ID": application, "VONAGE_SIGNATURE_SECRET": "k",
		"VONAGE_PRIVATE_KEY": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
	}, "VONAGE_PRIVATE_KEY"},
	{"id with a slash", merge(opentok, "OPENTOK_API_KEY", "12/3"), "OPENTOK_API_KEY"},
	{"platform's URL without a scheme", merge(opentok, "VONAGE_VIDEO_URL", "video.example.com"), "VONAGE_VIDEO_URL"},
	{"platform's URL by ftp", merge(opentok, "VONAGE_VIDEO_URL", "ftp://video.example.com"), "VONAGE_VIDEO_URL"},
	{"platform's URL with a password", merge(opentok, "VONAGE_VIDEO_URL", "https://u:secret!@video.example.com"), "VONAGE_VIDEO_URL"},
	{"platform's URL with a query", merge(opentok, "VONAGE_VIDEO_URL", "https://video.example.com?a=b"), "VONAGE_VIDEO_URL"},
	{"signature secret long", merge(opentok, "VONAGE_SIGNATURE_SECRET", strings.Repeat("x", 51)), "VONAGE_SIGNATURE_SECRET"},
	{"no signature secret", merge(opentok, "VONAGE_SIGNATURE_SECRET", ""), "VONAGE_SIGNATURE_SECRET"},
	{"no signature secret, remote URL", merge(opentok, "VONAGE_SIGNATURE_SECRET", "", "VONAGE_VIDEO_URL", "https://127.0.0.1.example.com"), "VONAGE_SIGNATURE_SECRET"},
	{"platform's URL in the clear", merge(opentok, "VONAGE_VIDEO_URL", "http://127.0.0.1.example.com"), "VONAGE_VIDEO_URL"},
	{"platform's URL in the clear, in capitals", merge(opentok, "VONAGE_VIDEO_URL", "HTTP://video.example.com"), "VONAGE_VIDEO_URL"},
	{"origin with a path", map[string]string{"USHER_ORIGINS": "https://a.example/app"}, "USHER_ORIGINS"},

	{"quotes", merge(opentok, "OPENTOK_API_KEY", `"123"`, "VONAGE_SIGNATURE_SECRET", "'secret!'"), "OPENTOK_API_KEY VONAGE_SIGNATURE_SECRET"},
	{"quotes of a word processor", map[string]string{"USHER_TABLE": "“usher”"}, "USHER_TABLE"},
	{"quotes within white space", map[string]string{"USHER_DATA": " \"usher.db\"\n"}, "USHER_DATA"},
	{"quotes around a key", merge(unified(), "VONAGE_PRIVATE_KEY", `"`+privateKey()+`"`), "VONAGE_PRIVATE_KEY"},
	{"an application as a key", merge(opentok, "OPENTOK_API_KEY", application), "OPENTOK_API_KEY"},
	{"an application as a key's secret", merge(opentok, "OPENTOK_API_SECRET", application), "OPENTOK_API_SECRET"},
	{"PEM as a key", merge(opentok, "OPENTOK_API_KEY", privateKey()), "OPENTOK_API_KEY"},
	{"PEM as a key's secret", merge(opentok, "OPENTOK_API_SECRET", privateKey()), "OPENTOK_API_SECRET"},
	{"a Unified pair under OpenTok's names", merge(opentok, "OPENTOK_API_KEY", application, "OPENTOK_API_SECRET", privateKey()), "OPENTOK_API_KEY OPENTOK_API_SECRET"},
	{"an OpenTok pair under Unified's names", merge(unified(), "VONAGE_APPLICATION_ID", "47000001", "VONAGE_PRIVATE_KEY", "secret!"), "VONAGE_APPLICATION_ID VONAGE_PRIVATE_KEY"},
	{"PEM as an application", merge(unified(), "VONAGE_APPLICATION_ID", privateKey()), "VONAGE_APPLICATION_ID"},
	{"a secret as an application", merge(unified(), "VONAGE_APPLICATION_ID", "secret!"), "VONAGE_APPLICATION_ID"},
	{"key and secret swapped", merge(opentok, "OPENTOK_API_KEY", longSecret, "OPENTOK_API_SECRET", "123"), "OPENTOK_API_KEY"},
	{"the key twice", merge(opentok, "OPENTOK_API_SECRET", "123"), "OPENTOK_API_SECRET"},
	{"a secret of a blank", merge(opentok, "OPENTOK_API_SECRET", " "), "OPENTOK_API_SECRET"},
	{"secrets of blanks", map[string]string{"VONAGE_SIGNATURE_SECRET": " ", "USHER_API_SECRET": "\t", "USHER_TICKET_SECRET": "\n"}, "VONAGE_SIGNATURE_SECRET USHER_API_SECRET USHER_TICKET_SECRET"},
	{"a key of a blank", merge(unified(), "VONAGE_PRIVATE_KEY", " "), "VONAGE_PRIVATE_KEY"},
	{"line ends within", merge(opentok, "OPENTOK_API_SECRET", "a\nsecret!", "VONAGE_SIGNATURE_SECRET", "a\r\nsecret!", "USHER_API_SECRET", longSecret+"\n"+longSecret), "OPENTOK_API_SECRET VONAGE_SIGNATURE_SECRET USHER_API_SECRET"},
	{"one letter", map[string]string{"USHER_API_SECRET": strings.Repeat("x", 32), "USHER_TICKET_SECRET": strings.Repeat("xy", 32), "VONAGE_SIGNATURE_SECRET": "********"}, "VONAGE_SIGNATURE_SECRET USHER_API_SECRET USHER_TICKET_SECRET"},
	{"PEM as secrets", map[string]string{"USHER_API_SECRET": privateKey(), "VONAGE_SIGNATURE_SECRET": privateKey()}, "VONAGE_SIGNATURE_SECRET USHER_API_SECRET"},
	{"previous secrets", merge(opentok, "VONAGE_SIGNATURE_SECRET_PREVIOUS", strings.Repeat("x", 51), "USHER_API_SECRET_PREVIOUS", longSecret[1:], "USHER_TICKET_SECRET_PREVIOUS", "x"), "VONAGE_SIGNATURE_SECRET_PREVIOUS USHER_API_SECRET_PREVIOUS USHER_TICKET_SECRET_PREVIOUS"},
	{"only a previous signature secret", map[string]string{"VONAGE_SIGNATURE_SECRET_PREVIOUS": "signs"}, "VONAGE_SIGNATURE_SECRET"},

	{
		"all at once",
		map[string]string{"USHER_TOKEN_SECONDS": "0", "USHER_STORE": "x", "OPENTOK_API_SECRET": "s", "USHER_API_SECRET": "short"},
		"OPENTOK_API_KEY USHER_API_SECRET USHER_TOKEN_SECONDS USHER_STORE",
	},
}

func TestWrongVariables(t *testing.T) {
	for _, c := range wrongVariables {
		t.Run(c.name, func(t *testing.T) {
			_, err := Load(with(c.vars))
			checkWrong(t, err, c.wrong)
		})
	}
}

// A secret may stand in the place of any setting.
func TestNoValueIsPrinted(t *testing.T) {
	names := []string{
		"USHER_ADDR", "USHER_ROOMS", "USHER_STORE", "USHER_TABLE", "AWS_ENDPOINT_URL_DYNAMODB", "VONAGE_APPLICATION_ID", "VONAGE_PRIVATE_KEY",
		"OPENTOK_API_KEY", "VONAGE_VIDEO_URL", "VONAGE_SIGNATURE_SECRET", "USHER_ORIGINS", "USHER_TOKEN_SECONDS", "USHER_RETENTION_DAYS",
	}
	for _, secret := range []string{
		"Zm9vYmFyYmF6+/cXV4cXV4/Zm9vYmFyYmF6+cXV4cXV4Zm9vYmFy+cXV4cXV4/=", "01234567890123456789012345678901 0123456789012345678",
		privateKey(), `"Zm9vYmFyYmF6 cXV4cXV4"`, "https://u:Zm9vYmFyYmF6@cXV4cXV4.example/x y", "https://Zm9vYmFyYmF6:7/cXV4cXV4@a.example/?x",
	} {
		for _, name := range names {
			_, err := Load(with(map[string]string{name: secret}))
			if err == nil {
				if name == "USHER_STORE" || name == "USHER_TABLE" || name == "USHER_TOKEN_SECONDS" || name == "USHER_RETENTION_DAYS" {
					t.Errorf("%s=%s was taken", name, secret)
				}
				continue
			}
			for _, part := range []string{"Zm9vYmFyYmF6", "cXV4cXV4", "0123456", "MII"} {
				if strings.Contains(err.Error(), part) {
					t.Errorf("%s=%s: the message shows it: %v", name, secret, err)
				}
			}
		}
	}
}

func TestWhatCanBeNoSecretIsPrinted(t *testing.T) {
	for name, c := range map[string]struct{ value, want string }{
		"USHER_TOKEN_SECONDS": {"29", `"29"`},
		"USHER_ADDR":          {"127.0.0.1", `"127.0.0.1"`},
		"USHER_ORIGINS":       {"https://a.example/app", `"https://a.example" and more`},
		"VONAGE_VIDEO_URL":    {"http://video.example.com", `"http://video.example.com"`},
		"USHER_ROOMS":         {"/nowhere/rooms.json", `"/nowhere/rooms.json"`},
		"USHER_STORE":         {"tape", "4 characters"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(with(map[string]string{name: c.value}))
			if err == nil || !strings.Contains(err.Error(), "\n  "+name+" is "+c.want) {
				t.Errorf("the message is %v, want %s", err, c.want)
			}
		})
	}
}

func TestWhiteSpaceAround(t *testing.T) {
	file := filepath.Join(t.TempDir(), "rooms.json")
	write(t, file, "\ufeff"+`{"rooms":{"a":{}}}`)
	s, err := Load(with(map[string]string{
		"USHER_TABLE": " usher2\n", "OPENTOK_API_KEY": "\u00a0123 ", "OPENTOK_API_SECRET": "a b\r\n", "VONAGE_SIGNATURE_SECRET": "\ufeffk\n",
		"USHER_API_SECRET": longSecret + "\n", "USHER_API_SECRET_PREVIOUS": " " + longSecret + "2", "USHER_TICKET_SECRET_PREVIOUS": longSecret + "3\t",
		"VONAGE_SIGNATURE_SECRET_PREVIOUS": " before ", "USHER_ORIGINS": " https://a.example ,\thttps://b.example\n", "USHER_TOKEN_SECONDS": " 90", "USHER_ROOMS": file + "\n",
		"USHER_STORE": " bolt", "USHER_ADDR": " ", "VONAGE_VIDEO_URL": "https://video.example.com/\n",
	}))
	if err != nil {
		t.Fatal(err)
	}
	p := s.Platform
	if s.Table != "usher2" || p.APIKey != "123" || p.APISecret != "a b" || p.SignatureSecret != "k" || p.PreviousSignatureSecret != "before" ||
		string(s.APISecret) != longSecret || string(s.PreviousAPISecret) != longSecret+"2" || string(s.PreviousTicketSecret) != longSecret+"3" ||
		!slices.Equal(s.Origins, []string{"https://a.example", "https://b.example"}) || s.TokenLife != 90*time.Second ||
		s.Addr != "127.0.0.1:5000" || p.URL != "https://video.example.com" || len(s.Rooms) != 1 {
		t.Errorf("got %+v", s)
	}
}

func merge(vars map[string]string, pairs ...string) map[string]string {
	all := map[string]string{}
	for name, value := range vars {
		all[name] = value
	}
	for i := 0; i < len(pairs); i += 2 {
		all[pairs[i]] = pairs[i+1]
	}
	return all
}

// checkWrong wants one error that names exactly these variables and shows no
// secret.
func checkWrong(t *testing.T, err error, names string) {
	t.Helper()
	var wrong *Error
	if !errors.As(err, &wrong) {
		t.Fatalf("error %v, want one that names %s", err, names)
	}
	var got []string
	for _, w := range wrong.Wrong {
		got = append(got, w.Name)
		if !strings.Contains(err.Error(), "\n  "+w.Name+" ") {
			t.Errorf("the message does not name %s: %v", w.Name, err)
		}
	}
	if strings.Join(got, " ") != names {
		t.Errorf("wrong are %q, want %s", got, names)
	}
	for _, secret := range []string{"secret!", longSecret[1:], "PRIVATE KEY-----\n"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the message shows a secret: %v", err)
		}
	}
}

func TestLoopback(t *testing.T) {
	for url, local := range map[string]bool{
		"http://127.0.0.1:9999": true, "http://127.8.9.10": true, "https://localhost/base": true, "http://LOCALHOST:1": true,
		"http://[::1]:80": true, "http://[::ffff:127.0.0.1]": true,
		"http://127.0.0.1.example.com": false, "http://localhost.example.com": false, "http://10.0.0.1": false, "http://0.0.0.0": false,
		"http://[::2]": false, "http://128.0.0.1": false, "https://video.api.vonage.com": false, "": false,
	} {
		p := Platform{APIKey: "1", URL: url}
		if p.Local() != local {
			t.Errorf("%q: local is %v", url, p.Local())
		}
	}
}

func TestLocalPlatformNeedsNoSignature(t *testing.T) {
	s, err := Load(with(map[string]string{"OPENTOK_API_KEY": "123", "OPENTOK_API_SECRET": "s", "VONAGE_VIDEO_URL": "http://127.0.0.1:7000"}))
	if err != nil {
		t.Fatal(err)
	}
	if s.Platform.Simulated() || !s.Platform.Local() || s.Rooms != nil {
		t.Errorf("got %+v", s)
	}
}

func TestRoomsFile(t *testing.T) {
	cases := []struct{ name, text, want string }{
		{"not JSON", `rooms: {}`, "one JSON object"},
		{"cut off", `{"rooms":{`, "this is not valid JSON"},
		{"not UTF-8", "{\"rooms\":{\"\xff\":{}}}", "this is not UTF-8"},
		{"more behind it", `{"rooms":{}} {}`, "one JSON object"},
		{"another member", `{"rooms":{},"x":1}`, `one member "rooms"`},
		{"rooms are a list", `{"rooms":[]}`, "one JSON object"},
		{"bad name", `{"rooms":{"a b":{}}}`, `room "a b": a name has`},
		{"twice", `{"rooms":{"a":{},"a":{}}}`, `room "a": stands there twice`},
		{"wrong policy", `{"rooms":{"a":{"maxSeats":-1,"demo":2}}}`, `room "a": maxSeats must be a whole number from 0 to 15000, not -1; demo must be`},
		{"policy is a list", `{"rooms":{"a":[]}}`, `room "a": a policy is one JSON object`},
		{"demo with a real platform", `{"rooms":{"a":{"demo":true}}}`, `room "a": demo is allowed only`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "rooms.json")
			write(t, file, c.text)
			_, err := Load(with(merge(opentok, "USHER_ROOMS", file)))
			checkWrong(t, err, "USHER_ROOMS")
			if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), file) {
				t.Errorf("the message is %v, want %s", err, c.want)
			}
		})
	}
	t.Run("every wrong room", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "rooms.json")
		write(t, file, `{"rooms":{"a":{"x":1},"b":{},"c":{"y":1}}}`)
		_, err := Load(with(merge(opentok, "USHER_ROOMS", file)))
		checkWrong(t, err, "USHER_ROOMS USHER_ROOMS")
	})
}

func TestRoomsFileWithAByteOrderMark(t *testing.T) {
	file := filepath.Join(t.TempDir(), "rooms.json")
	write(t, file, "\ufeff"+`{"rooms":{"a":{"maxSeats":2}}}`)
	s, err := Load(with(merge(opentok, "USHER_ROOMS", file)))
	if err != nil || len(s.Rooms) != 1 || s.Rooms[0].Policy.MaxSeats() != 2 {
		t.Errorf("rooms %v, %v", s.Rooms, err)
	}
}

func TestCloud(t *testing.T) {
	vars := map[string]string{
		"USHER_TABLE": "usher-prod", "USHER_SECRET_ARN": "arn:aws:secretsmanager:eu-central-1:1:secret:usher",
		"USHER_TASKS_URL": "https://sqs.eu-central-1.amazonaws.com/1/tasks", "OPENTOK_API_KEY": "",
	}
	secret := map[string]string{"OPENTOK_API_KEY": "123", "OPENTOK_API_SECRET": "s", "VONAGE_SIGNATURE_SECRET": "k", "USHER_API_SECRET": longSecret}
	if SecretARN(with(vars)) != vars["USHER_SECRET_ARN"] {
		t.Errorf("secret's ARN %q", SecretARN(with(vars)))
	}
	s, err := Cloud(with(vars), secret, API)
	if err != nil {
		t.Fatal(err)
	}
	if s.Table != "usher-prod" || s.Platform.APIKey != "123" || s.TasksURL != vars["USHER_TASKS_URL"] ||
		string(s.APISecret) != longSecret || s.Store != DynamoDB || s.Rooms != nil {
		t.Errorf("got %+v", s)
	}
	_, err = Cloud(with(vars), nil, API)
	checkWrong(t, err, "VONAGE_APPLICATION_ID, VONAGE_PRIVATE_KEY USHER_API_SECRET")
	_, err = Cloud(with(merge(vars, "USHER_TASKS_URL", "tasks", "USHER_SCHEDULE_ROLE_ARN", "role")), secret, API)
	checkWrong(t, err, "USHER_TASKS_URL USHER_SCHEDULE_ROLE_ARN")
}

// A setting is checked by those who use it.
func TestEachFunctionChecksItsOwn(t *testing.T) {
	vars := map[string]string{
		"USHER_ORIGINS": "https://a.example/app", "USHER_TOKEN_SECONDS": "5", "USHER_API_SECRET": "x", "USHER_TICKET_SECRET": "x",
		"OPENTOK_API_KEY": "123", "OPENTOK_API_SECRET": "s", "VONAGE_SIGNATURE_SECRET": strings.Repeat("xy", 26),
		"USHER_DATA": `"x"`, "USHER_ADDR": "x", "USHER_STORE": "x", "USHER_ROOMS": "x", "AWS_ENDPOINT_URL_DYNAMODB": "x",
	}
	for part, want := range map[Part]string{
		Callback: "VONAGE_SIGNATURE_SECRET",
		API:      "USHER_API_SECRET USHER_TICKET_SECRET USHER_ORIGINS USHER_TOKEN_SECONDS",
	} {
		_, err := Cloud(with(vars), nil, part)
		checkWrong(t, err, want)
	}
	if _, err := Cloud(with(vars), nil, Work); err != nil {
		t.Error(err)
	}
	for _, part := range []Part{Callback, API, Work} { // all that write
		_, err := Cloud(with(map[string]string{
			"USHER_RETENTION_DAYS": "500", "USHER_API_SECRET": longSecret,
			"OPENTOK_API_KEY": "123", "OPENTOK_API_SECRET": "s", "VONAGE_VIDEO_URL": "http://127.0.0.1:1",
		}), nil, part)
		checkWrong(t, err, "USHER_RETENTION_DAYS")
	}
	if _, err := Cloud(with(merge(vars, "OPENTOK_API_KEY", "", "USHER_TABLE", "x y")), nil, Queues); err != nil {
		t.Error(err)
	}
	_, err := Cloud(with(merge(vars, "OPENTOK_API_KEY", "", "USHER_TABLE", "x y")), nil, Work)
	checkWrong(t, err, "USHER_TABLE OPENTOK_API_KEY")
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func FuzzRoomsFile(f *testing.F) {
	f.Add([]byte(`{"rooms":{"a":{"maxSeats":2,"demo":true},"b":{}}}`))
	f.Add([]byte(`{"rooms":{"a":{},"a":null}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		all, faults := parseRooms(raw, false)
		for _, r := range all {
			if len(faults) == 0 && (r.Name == "" || r.Policy.Demo()) {
				t.Errorf("%q was taken with %v", raw, r)
			}
		}
	})
}
