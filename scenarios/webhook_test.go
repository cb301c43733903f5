package scenarios_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"usher/pkg/api"
	"usher/pkg/doorkeeper/simulation"
	"usher/pkg/epoch"
)

var webhookCommands = map[string]command{
	"post":       (*story).post,
	"signatures": (*story).signatures,
}

// signatures on: from now on callbacks have to be signed, and Vonage signs.
func (s *story) signatures(c *call) error {
	word, err := one(c, "on", "off")
	s.signed = word == "on"
	s.start()
	return err
}

// letter is how a story posts a body by hand.
type letter struct {
	method, media, secret string
	age                   time.Duration
}

// post [flags] FILE posts a body to the webhook. It must be answered 200, and
// after ! must be refused.
func (s *story) post(c *call) error {
	var l letter
	flags := flag.NewFlagSet("post", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&l.method, "method", http.MethodPost, "")
	flags.StringVar(&l.media, "type", "application/json", "")
	flags.StringVar(&l.secret, "secret", "", "")
	flags.DurationVar(&l.age, "age", 0, "")
	if err := flags.Parse(c.args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("usage: post [-method M] [-type T] [-secret S] [-age D] FILE")
	}
	r, err := s.write(l, s.fill(c.ReadFile(flags.Arg(0))))
	if err != nil {
		return err
	}
	if s.last, err = s.send(r); err != nil {
		return err
	}
	fmt.Fprintln(c.Stdout(), strings.TrimSpace(s.last.body))
	if taken := s.last.status == http.StatusOK; taken == c.neg {
		return fmt.Errorf("%s was answered %s", flags.Arg(0), s.last)
	}
	s.Pass(0)
	return nil
}

func (s *story) write(l letter, body string) (*http.Request, error) {
	r, err := http.NewRequest(l.method, s.server.URL+api.WebhookPath, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", l.media)
	secret := l.secret
	if secret == "right" {
		secret = signature
	}
	if secret != "" {
		r.Header.Set("Authorization", "Bearer "+sign([]byte(body), secret, s.Now().Add(-l.age)))
	}
	return r, nil
}

// sign makes the token of a signed callback as Vonage does.
func sign(body []byte, secret string, at epoch.Instant) string {
	sum := sha256.Sum256(body)
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"iss": "Vonage", "iat": at.Seconds(), "jti": "story", "api_key": project,
		"payload_hash": hex.EncodeToString(sum[:]),
	}).SignedString([]byte(secret))
	if err != nil {
		panic(err) // HMAC over bytes cannot fail
	}
	return token
}

var placeholder = regexp.MustCompile(`\$(T[+-][0-9a-z.]+|[A-Z]+)`)

// fill puts in what a body leaves open: $SESSION, $T for now in milliseconds,
// $T-10s and $T+10s beside it, $LONG for 256 characters, $HUGE for 64 KiB.
func (s *story) fill(body string) string {
	return placeholder.ReplaceAllStringFunc(body, func(name string) string {
		switch {
		case name == "$SESSION":
			session, err := s.where()
			if err != nil {
				return name
			}
			return session
		case name == "$LONG":
			return strings.Repeat("x", 256)
		case name == "$HUGE":
			return strings.Repeat("x", 64<<10)
		case strings.HasPrefix(name, "$T"):
			d, _ := time.ParseDuration(name[len("$T"):]) // 0 for $T itself
			return strconv.FormatInt(int64(s.Now())+d.Milliseconds(), 10)
		}
		return name
	})
}

// moment reads a time of the story.
func moment(text string) (epoch.Instant, error) {
	d, err := time.ParseDuration(text)
	return simulation.Epoch.Add(d), err
}
