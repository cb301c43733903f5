// Package config reads Usher's settings from the environment. It is the only
// package that does, and it reports everything that is wrong at once.
//
// It is trusted to stop a start that would be unsafe, and to print no secret, also
// where one stands in the wrong variable. Begin with variables.go, the names, and
// config.go, what becomes of them.
package config

import (
	"net"
	"net/netip"
	"time"

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
	Metrics  string  // to serve metrics on, host:port; "": nowhere
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
	// PreviousAPISecret and PreviousTicketSecret are the keys before, good for
	// checking while they are set; nil: none.
	PreviousAPISecret, PreviousTicketSecret []byte
	Origins                                 []string // web origins that may call join from a page
	TokenLife                               time.Duration
	// Retention is how long records are kept after they were last written: whole days.
	Retention time.Duration

	// CallbackSources are the networks that callbacks may come from; nil: any.
	CallbackSources []netip.Prefix

	// Tells: lessons that begin now tell the owner's backend; Events are where.
	Tells  bool
	Events Events
	// Forwards: callbacks go on to another listener; Forward is where.
	Forwards bool
	Forward  Forward
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
	// PreviousSignatureSecret is the key before, good for checking while it is
	// set; "": none.
	PreviousSignatureSecret string
}

// Simulated reports whether there are no credentials for a real platform.
func (p Platform) Simulated() bool { return p.ApplicationID == "" && p.APIKey == "" }

// Local reports whether the platform is simulated or on this machine. Only
// then are unsigned callbacks and demo rooms allowed.
func (p Platform) Local() bool { return p.Simulated() || loopback(p.URL) }

// Project is what the platform calls us: the application id or the API key.
func (p Platform) Project() string { return p.ApplicationID + p.APIKey }

// Load reads the settings of the local program. The error is an *Error that
// names every wrong variable, and no secret's value.
func Load(lookup Lookup) (Settings, error) {
	v, err := read(lookup, nil)
	if err != nil {
		return Settings{}, err
	}
	c := v.checker()
	s := Settings{
		Table:     c.table("USHER_TABLE", v.Table),
		Platform:  c.platform(v),
		Addr:      c.address("USHER_ADDR", v.Addr),
		Metrics:   c.metrics(v),
		Data:      c.text("USHER_DATA", v.Data),
		Retention: c.retention(v),
	}
	c.callback(v, &s)
	c.api(v, &s)
	s.Events, s.Forward = c.events(v), c.forward(v, true)
	s.Store, s.Dynamo = c.store(v)
	s.Rooms = c.rooms(v.Rooms, s.Platform)
	return s, c.orNil()
}

// retention is read by every process that writes.
func (c *checker) retention(v variables) time.Duration {
	return time.Duration(c.whole("USHER_RETENTION_DAYS", v.RetentionDays, 1, 400)) * 24 * time.Hour
}

// callback reads what authenticates callbacks, and whether they go on: where to is the
// matter of who sends them.
func (c *checker) callback(v variables, s *Settings) {
	s.Forwards = v.ForwardURL != ""
	s.CallbackSources = c.networks("USHER_CALLBACK_SOURCES", v.CallbackSources)
	p := &s.Platform
	p.SignatureSecret = c.signatureSecret("VONAGE_SIGNATURE_SECRET", v.SignatureSecret)
	p.PreviousSignatureSecret = c.signatureSecret("VONAGE_SIGNATURE_SECRET_PREVIOUS", v.PreviousSignature)
	if p.SignatureSecret != "" || c.blank["VONAGE_SIGNATURE_SECRET"] {
		return
	}
	switch {
	case !p.Local():
		c.hide("VONAGE_SIGNATURE_SECRET", "is not set: without it callbacks are not authenticated, "+
			"which is allowed only with the simulated platform or a loopback VONAGE_VIDEO_URL")
	case p.PreviousSignatureSecret != "":
		c.hide("VONAGE_SIGNATURE_SECRET", "is not set, but VONAGE_SIGNATURE_SECRET_PREVIOUS is: the one before goes with the one after")
	}
}

// api reads what the JSON API and the pages need, and whether the backend is told: where
// it is is the matter of who tells it.
func (c *checker) api(v variables, s *Settings) {
	s.Tells = v.EventsURL != ""
	s.APISecret = c.key("USHER_API_SECRET", v.APISecret)
	s.PreviousAPISecret = c.key("USHER_API_SECRET_PREVIOUS", v.PreviousAPI)
	s.TicketSecret = c.key("USHER_TICKET_SECRET", v.TicketSecret)
	s.PreviousTicketSecret = c.key("USHER_TICKET_SECRET_PREVIOUS", v.PreviousTicket)
	s.Origins = c.origins("USHER_ORIGINS", v.Origins)
	s.TokenLife = time.Duration(c.whole("USHER_TOKEN_SECONDS", v.TokenSeconds, 30, 300)) * time.Second
}

// metrics are served apart from everything else: who may read them is not who may come in.
func (c *checker) metrics(v variables) string {
	if v.MetricsAddr == "" {
		return ""
	}
	if _, port, err := net.SplitHostPort(v.MetricsAddr); err == nil && v.MetricsAddr == v.Addr && port != "0" {
		c.add("USHER_METRICS_ADDR", v.MetricsAddr, "is USHER_ADDR too: metrics need an address of their own")
	}
	return c.address("USHER_METRICS_ADDR", v.MetricsAddr)
}

func (c *checker) store(v variables) (string, Dynamo) {
	d := Dynamo{Endpoint: c.url("AWS_ENDPOINT_URL_DYNAMODB", v.DynamoEndpoint)}
	d.Free = loopback(d.Endpoint) && v.AccessKey == "" && v.Profile == ""
	switch store := c.text("USHER_STORE", v.Store); {
	case store == Bolt || store == DynamoDB:
		return store, d
	case store != "":
		c.add("USHER_STORE", store, "must be bolt or dynamodb")
	case v.DynamoEndpoint != "":
		return DynamoDB, d
	}
	return Bolt, d
}

// tutorial are the rooms of a program that was not told any.
func tutorial() []Entry {
	return []Entry{
		{Name: "one-to-one", Policy: policy.Stored(`{"maxSeats":2,"demo":true}`)},
		{Name: "limited-time-room", Policy: policy.Stored(`{"lessonSeconds":60,"demo":true}`)},
	}
}
