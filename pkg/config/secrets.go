package config

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

var uuid = regexp.MustCompile(`(?i)^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func isPEM(value string) bool { return strings.HasPrefix(value, "-----BEGIN ") }

// applicationID takes a UUID, and writes it in lower case as Vonage does.
func (c *checker) applicationID(name, value string) string {
	switch {
	case c.text(name, value) == "" || uuid.MatchString(value):
	case isPEM(value):
		c.hide(name, "is a private key: that belongs into VONAGE_PRIVATE_KEY")
	case consists(value, digits, 1, maxKey):
		c.hide(name, "is a number, as an OpenTok API key is: that belongs into OPENTOK_API_KEY")
	default:
		c.add(name, value, "must be an application's id, like 4bc7f2a0-6d1e-4f83-9a25-0c8b7e6d5f41")
	}
	return strings.ToLower(value)
}

// maxKey is more digits than OpenTok's API keys have; those of today have eight.
const maxKey = 20

// openTokKey takes a number. What is anything else was meant for another
// setting, most likely a secret.
func (c *checker) openTokKey(name, value string) string {
	switch {
	case c.text(name, value) == "" || consists(value, digits, 1, maxKey):
	case isPEM(value):
		c.hide(name, "is a private key: that belongs into VONAGE_PRIVATE_KEY")
	case uuid.MatchString(value):
		c.hide(name, "is an application's id: that belongs into VONAGE_APPLICATION_ID")
	default:
		c.add(name, value, "must be a number, like 47000001; are key and secret swapped?")
	}
	return value
}

func (c *checker) openTokSecret(name, value, key string) string {
	switch {
	case !c.secret(name, value):
	case uuid.MatchString(value):
		c.hide(name, "is an application's id: that belongs into VONAGE_APPLICATION_ID")
	case value == key:
		c.hide(name, "is the API key: the secret is another text")
	}
	return value
}

// secret reports whether a secret is set and can be one: no white space alone,
// no line end or other control character within, no private key, and not one
// letter over and over.
func (c *checker) secret(name, value string) bool {
	const placeholder = 8 // characters
	switch {
	case c.blank[name]:
		c.hide(name, "is white space alone")
	case c.text(name, value) == "":
	case isPEM(value):
		c.hide(name, "is a private key: that belongs into VONAGE_PRIVATE_KEY")
	case strings.IndexFunc(value, unicode.IsControl) >= 0:
		c.hide(name, "has a line end or another control character within")
	case utf8.RuneCountInString(value) >= placeholder && different(value) == 1:
		c.hide(name, "is one letter over and over: anybody can guess it")
	default:
		return true
	}
	return false
}

// different counts the different characters of a value.
func different(value string) int {
	seen := map[rune]bool{}
	for _, r := range value {
		seen[r] = true
	}
	return len(seen)
}

// key takes the key of an HS256 signature, which RFC 7518 wants no shorter
// than the hash.
func (c *checker) key(name, value string) []byte {
	const (
		least   = 32 // bytes
		variety = 4  // different characters; 32 at random have more than this
	)
	switch {
	case !c.secret(name, value):
	case len(value) < least:
		c.hide(name, "is too short: it must have at least 32 bytes, and has "+strconv.Itoa(len(value)))
	case different(value) < variety:
		c.hide(name, "is of too few different characters: anybody can guess it")
	}
	if value == "" {
		return nil
	}
	return []byte(value)
}

// signatureSecret takes what the platform allows: 1 to 50 characters.
func (c *checker) signatureSecret(name, value string) string {
	if n := utf8.RuneCountInString(value); c.secret(name, value) && n > 50 {
		c.hide(name, "is too long: it has at most 50 characters, not "+strconv.Itoa(n))
	}
	return value
}

// privateKey takes an RSA key as PEM text, PKCS #8 or #1. Where the text could
// not carry line ends, \n stands for them.
func (c *checker) privateKey(name, value string) []byte {
	switch {
	case c.blank[name]:
		c.hide(name, "is white space alone")
		return nil
	case c.text(name, value) == "":
		return nil
	}
	text := []byte(strings.ReplaceAll(value, `\n`, "\n"))
	block, _ := pem.Decode(text)
	if block == nil {
		c.hide(name, "is not a key: it must be PEM text that begins with -----BEGIN PRIVATE KEY-----")
		return nil
	}
	if _, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return text
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if _, isRSA := key.(*rsa.PrivateKey); err != nil || !isRSA {
		c.hide(name, "is PEM text, but not an RSA private key in PKCS #8 or PKCS #1")
		return nil
	}
	return text
}
