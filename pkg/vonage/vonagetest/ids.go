package vonagetest

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// newSessionID makes an id in the vendor's form: the url-safe base64 of
// 1~PROJECT~~MILLISECONDS~RANDOM~~ after 1_ or 2_.
func newSessionID(prefix, project string, at time.Time) string {
	text := strings.Join([]string{
		"1", project, "", strconv.FormatInt(at.UnixMilli(), 10), rand.Text(), "", "",
	}, "~")
	return prefix + base64.RawURLEncoding.EncodeToString([]byte(text))
}

// maxSessionID is the longest session id, in bytes.
const maxSessionID = 255

// projectOf reads the project out of a session id; empty when it is none.
func projectOf(session string) string {
	coded, ok := strings.CutPrefix(session, "1_")
	if !ok {
		coded, ok = strings.CutPrefix(session, "2_")
	}
	if !ok || len(session) > maxSessionID {
		return ""
	}
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(coded, "="))
	if err != nil {
		return ""
	}
	parts := strings.Split(string(text), "~")
	if len(parts) < 5 || parts[0] != "1" || parts[4] == "" {
		return ""
	}
	return parts[1]
}

// newUUID makes a random UUID (version 4), the form of connection and stream ids.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:])
	return fmt.Sprintf("%s-%s-%s-%s-%s", h[:8], h[8:12], h[12:16], h[16:20], h[20:])
}

var uuidForm = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

func isUUID(id string) bool { return uuidForm.MatchString(id) }
