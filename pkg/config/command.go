package config

// DefaultServer is where the local program listens unless it was told otherwise.
const DefaultServer = "http://127.0.0.1:5000"

// AdminToken is the bearer token with which the command line asks a server; "" where none
// is set.
func AdminToken(lookup Lookup) string { return alone(lookup, "USHER_ADMIN_TOKEN") }

// ServerURL is where the command line finds the server: named, which a flag gave, else
// USHER_URL, else DefaultServer. A token goes there, so plain http is for this machine.
func ServerURL(lookup Lookup, named string) (string, error) {
	name, value := "--url", bare(named)
	if value == "" {
		name, value = "USHER_URL", alone(lookup, "USHER_URL")
	}
	if value == "" {
		return DefaultServer, nil
	}
	c := variables{}.checker()
	base := c.videoURL(name, value)
	return base, c.orNil()
}

// OnThisMachine reports whether a URL leads to this machine, whatever a resolver says.
func OnThisMachine(base string) bool { return loopback(base) }

// Signing is what tokens are signed with: the keys of the environment, nil where it has
// none, and the data file that may keep one.
type Signing struct {
	API, Ticket []byte
	Data        string
}

// SigningOf reads what tokens are signed with, and judges no other setting.
func SigningOf(lookup Lookup) (Signing, error) {
	v, err := read(lookup, nil)
	if err != nil {
		return Signing{}, err
	}
	c := v.checker()
	s := Signing{
		API:    c.key("USHER_API_SECRET", v.APISecret),
		Ticket: c.key("USHER_TICKET_SECRET", v.TicketSecret),
		Data:   c.text("USHER_DATA", v.Data),
	}
	return s, c.orNil()
}

// DataFile is where the embedded store is.
func DataFile(lookup Lookup) (string, error) {
	v, err := read(lookup, nil)
	if err != nil {
		return "", err
	}
	c := v.checker()
	path := c.text("USHER_DATA", v.Data)
	return path, c.orNil()
}

func alone(lookup Lookup, name string) string {
	value, _ := lookup(name)
	return bare(value)
}

// SignatureSecret is the key of signed callbacks; "" where none is set.
func SignatureSecret(lookup Lookup) string { return alone(lookup, "VONAGE_SIGNATURE_SECRET") }
