// Package config reads Usher's settings from the environment. It is the only
// package that does, and it reports everything that is wrong at once.
package config

import (
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"usher/pkg/policy"
)

// Names of stores, as USHER_STORE carries them.
const (
	Bolt     = "bolt"
	DynamoDB = "dynamodb"
)

// Settings are the settings of one process, checked.
type Settings struct {
	Addr     string  // to listen on, host:port
	Rooms    []Entry // to create where they do not exist
	Data     string  // the embedded store's file
	Store    string  // Bolt or DynamoDB
	Table    string  // of DynamoDB
	Dynamo   Dynamo
	Platform Platform

	// APISecret is the key of the API's bearer tokens. Nil, for the local
	// program only: make one and keep it.
	APISecret []byte
	// TicketSecret is the key of tickets; nil: the APISecret.
	TicketSecret []byte
	Origins      []string // web origins that may call join from a page
	TokenLife    time.Duration
}

// Dynamo is where DynamoDB is when it is not at AWS.
type Dynamo struct {
	Endpoint string // "": at AWS
	// Free: the endpoint is on this machine and the environment names no
	// account, so that any credentials do.
	Free bool
}

// Platform is how to reach Vonage Video and what to trust of it. The zero
// Platform, with neither pair of credentials, is the simulated one.
type Platform struct {
	ApplicationID string // with PrivateKey: the Unified environment
	PrivateKey    []byte // RSA, in PEM
	APIKey        string // with APISecret: the OpenTok environment
	APISecret     string
	URL           string // base of the REST API without a slash at the end; "": the environment's own
	// SignatureSecret is the key of signed callbacks. "": unsigned ones are
	// taken, which only a Local platform permits.
	SignatureSecret string
}

// Simulated reports whether there are no credentials for a real platform.
func (p Platform) Simulated() bool { return p.ApplicationID == "" && p.APIKey == "" }

// Local reports whether the platform is simulated or on this machine. Only
// then are unsigned callbacks and demo rooms allowed.
func (p Platform) Local() bool { return p.Simulated() || loopback(p.URL) }

// Project is what the platform calls us: the application id or the API key.
func (p Platform) Project() string { return p.ApplicationID + p.APIKey }

// Lookup finds an environment variable, as os.LookupEnv does. A variable that
// is empty counts as not set.
type Lookup func(name string) (value string, found bool)

// Environment is the process's own environment.
func Environment(name string) (string, bool) { return os.LookupEnv(name) }

// variables are the settings as text.
type variables struct {
	Addr             string `env:"USHER_ADDR" envDefault:"127.0.0.1:5000"`
	Rooms            string `env:"USHER_ROOMS"`
	Data             string `env:"USHER_DATA" envDefault:"usher.db"`
	Store            string `env:"USHER_STORE"`
	Table            string `env:"USHER_TABLE" envDefault:"usher"`
	DynamoEndpoint   string `env:"AWS_ENDPOINT_URL_DYNAMODB"`
	AccessKey        string `env:"AWS_ACCESS_KEY_ID"`
	Profile          string `env:"AWS_PROFILE"`
	ApplicationID    string `env:"VONAGE_APPLICATION_ID"`
	PrivateKey       string `env:"VONAGE_PRIVATE_KEY"`
	OpenTokKey       string `env:"OPENTOK_API_KEY"`
	OpenTokSecret    string `env:"OPENTOK_API_SECRET"`
	URL              string `env:"VONAGE_VIDEO_URL"`
	SignatureSecret  string `env:"VONAGE_SIGNATURE_SECRET"`
	APISecret        string `env:"USHER_API_SECRET"`
	TicketSecret     string `env:"USHER_TICKET_SECRET"`
	Origins          string `env:"USHER_ORIGINS"`
	TokenSeconds     string `env:"USHER_TOKEN_SECONDS" envDefault:"60"`
	SecretARN        string `env:"USHER_SECRET_ARN"`
	TasksURL         string `env:"USHER_TASKS_URL"`
	ParkURL          string `env:"USHER_PARK_URL"`
	ScheduleGroup    string `env:"USHER_SCHEDULE_GROUP"`
	ScheduleRole     string `env:"USHER_SCHEDULE_ROLE_ARN"`
	ScheduleTarget   string `env:"USHER_SCHEDULE_TARGET_ARN"`
	ScheduleFailures string `env:"USHER_SCHEDULE_FAILURES_ARN"`
}

// read collects the variables. Where secret has a name, it wins.
func read(lookup Lookup, secret map[string]string) (variables, error) {
	var v variables
	params, err := env.GetFieldParams(&v)
	if err != nil {
		return v, err
	}
	found := map[string]string{}
	for _, p := range params {
		if value, _ := lookup(p.Key); value != "" {
			found[p.Key] = value
		}
		if value := secret[p.Key]; value != "" {
			found[p.Key] = value
		}
	}
	err = env.ParseWithOptions(&v, env.Options{Environment: found})
	return v, err
}

// Load reads the settings of the local program. The error is an *Error that
// names every wrong variable, and no secret's value.
func Load(lookup Lookup) (Settings, error) {
	v, err := read(lookup, nil)
	if err != nil {
		return Settings{}, err
	}
	var wrong Error
	s := v.settings(&wrong)
	s.Addr = wrong.address("USHER_ADDR", v.Addr)
	s.Data = v.Data
	s.Store, s.Dynamo = wrong.store(v)
	s.Rooms = wrong.rooms(v.Rooms, s.Platform)
	return s, wrong.orNil()
}

// settings checks what the local program and the cloud share.
func (v variables) settings(wrong *Error) Settings {
	return Settings{
		Table:        wrong.table("USHER_TABLE", v.Table),
		Platform:     wrong.platform(v),
		APISecret:    wrong.key("USHER_API_SECRET", v.APISecret),
		TicketSecret: wrong.key("USHER_TICKET_SECRET", v.TicketSecret),
		Origins:      wrong.origins("USHER_ORIGINS", v.Origins),
		TokenLife:    wrong.seconds("USHER_TOKEN_SECONDS", v.TokenSeconds, 30, 300),
	}
}

func (e *Error) store(v variables) (string, Dynamo) {
	d := Dynamo{Endpoint: e.url("AWS_ENDPOINT_URL_DYNAMODB", v.DynamoEndpoint)}
	d.Free = loopback(d.Endpoint) && v.AccessKey == "" && v.Profile == ""
	switch {
	case v.Store == Bolt || v.Store == DynamoDB:
		return v.Store, d
	case v.Store != "":
		e.add("USHER_STORE", v.Store, "must be bolt or dynamodb")
	case v.DynamoEndpoint != "":
		return DynamoDB, d
	}
	return Bolt, d
}

func (e *Error) seconds(name, value string, least, most int) time.Duration {
	n, err := strconv.Atoi(value)
	if err != nil || n < least || n > most {
		e.add(name, value, "must be a whole number from "+strconv.Itoa(least)+" to "+strconv.Itoa(most))
	}
	return time.Duration(n) * time.Second
}

// key takes the key of an HS256 signature, which RFC 7518 wants no shorter
// than the hash.
func (e *Error) key(name, value string) []byte {
	const least = 32
	switch {
	case value == "":
		return nil
	case len(value) < least:
		e.hide(name, "is too short: it must have at least 32 bytes, and has "+strconv.Itoa(len(value)))
	}
	return []byte(value)
}

// tutorial are the rooms of a program that was not told any.
func tutorial() []Entry {
	return []Entry{
		{Name: "one-to-one", Policy: policy.Stored(`{"maxSeats":2,"demo":true}`)},
		{Name: "limited-time-room", Policy: policy.Stored(`{"lessonSeconds":60,"demo":true}`)},
	}
}

// Error names every variable that is wrong.
type Error struct {
	Wrong []Wrong
}

// Wrong is what is wrong with one variable, in words for people.
type Wrong struct {
	Name string
	Say  string
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("wrong settings:")
	for _, w := range e.Wrong {
		b.WriteString("\n  " + w.Name + " " + w.Say)
	}
	return b.String()
}

// add reports a variable whose value may be shown.
func (e *Error) add(name, value, say string) {
	const most = 100
	if len(value) > most {
		value = value[:most] + "…"
	}
	e.hide(name, "is "+strconv.Quote(value)+": it "+say)
}

// hide reports a variable whose value is a secret or says nothing.
func (e *Error) hide(name, say string) { e.Wrong = append(e.Wrong, Wrong{name, say}) }

func (e *Error) orNil() error {
	if len(e.Wrong) == 0 {
		return nil
	}
	return e
}
