package vonage

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"time"
	"unicode/utf8"

	"usher/pkg/epoch"
	"usher/pkg/room"
)

const (
	clientScope = "session.connect"

	// Vonage's limits of a client token.
	maxData = 1000 // characters
	maxLife = 30 * 24 * time.Hour

	// datedBack is how long before its signing a token is dated: a platform
	// whose clock is behind refuses tokens of the future with 403
	// (opentok-node issue 177).
	datedBack = 60 // seconds
	// passLife is how long a REST token lives from its date; OpenTok takes no
	// more than this.
	passLife = 5 * 60 // seconds
	// passMargin is how long before its end a REST token is used no more:
	// clocks differ and requests take time.
	passMargin = 60 // seconds
)

// pass gives the token of REST requests, signed anew when the last one is
// about to end or the clock has gone back.
func (c *Client) pass() (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now().Unix()
	if c.held != "" && c.valid.issued <= now && now < c.valid.expires {
		return c.held, nil
	}
	dated := period{now - datedBack, now - datedBack + passLife}
	token, err := c.env.pass(dated, c.newID())
	if err != nil {
		return "", errors.New("the request's token cannot be signed: look at the account's key")
	}
	c.held, c.valid = token, period{now, dated.expires - passMargin}
	return token, nil
}

// doubt drops the REST token when the platform may have refused it.
func (c *Client) doubt(status int) {
	if status != http.StatusUnauthorized && status != http.StatusForbidden {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held = ""
}

// Credentials signs a client token for the session that carries the data and the
// right (a publisher's unless set), good until the expiry, cut to the second (Expires
// says so too). It is an error where less than a second is left, the token would live
// over 30 days from its date, the data is over 1000 characters or the right unknown.
// Vonage looks at the expiry only when a client connects. No right of Vonage's
// separates a camera from a screen.
func (c *Client) Credentials(p room.Pass) (room.Credentials, error) {
	session, data, now, expires := p.Session, p.Data, p.Now, p.Expires
	right := cmp.Or(p.Right, room.Publisher)
	good := period{now.Seconds() - datedBack, expires.Seconds()}
	switch {
	case session == "":
		return room.Credentials{}, errors.New("credentials need a session")
	case good.expires <= now.Seconds():
		return room.Credentials{}, fmt.Errorf("credentials until %s are over at %s", expires, now)
	case good.expires-good.issued > int64(maxLife.Seconds()):
		return room.Credentials{}, fmt.Errorf("credentials from %s until %s live over 30 days", now, expires)
	case utf8.RuneCountInString(data) > maxData:
		return room.Credentials{}, fmt.Errorf("connection data of %d characters is over %d", utf8.RuneCountInString(data), maxData)
	case right != room.Subscriber && right != room.Publisher && right != room.Moderator:
		return room.Credentials{}, fmt.Errorf("%.40q is no right of a client", right)
	}
	token, err := c.env.ticket(grant{period: good, session: session, data: data, right: right, id: c.newID()})
	if err != nil {
		return room.Credentials{}, errors.New("a client token cannot be signed: look at the account's key")
	}
	return room.Credentials{
		ApplicationID: c.account.ApplicationID,
		APIKey:        c.account.APIKey,
		Session:       session,
		Token:         token,
		Expires:       epoch.Instant(good.expires * 1000),
	}, nil
}
