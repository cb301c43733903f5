package bolt

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/fnv"

	"usher/pkg/epoch"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

// The content of the file:
//
//	meta     "format" | "secret/NAME"  -> bytes
//	rooms    NAME                      -> room
//	lessons  SESSION                   -> day of the last write, lesson
//	due      bucket, due, SESSION      -> nothing
//	lines    (SESSION), seq            -> line
//	records  (SESSION), ID             -> day of the last write, record
//	bans     (ROOM), USER              -> day of the look at it, ban
//	openings (ROOM), when the room was made, when the lesson began, SESSION -> nothing
//	marks    NAME                      -> when that was last done
//	ages     day, 'l', SESSION         -> nothing
//	         day, 's', (SESSION), rev  -> keys of the lines and records of one Shed
//	         day, 'b', (ROOM), USER    -> nothing
//
// Numbers are big-endian, a name in brackets has its length before it (two bytes), a
// day is four bytes, and values are JSON. A ban is looked at when the day that
// stands before it is as long past as the retention.
var (
	metaBucket   = []byte("meta")
	roomBucket   = []byte("rooms")
	lessonBucket = []byte("lessons")
	dueBucket    = []byte("due")
	lineBucket   = []byte("lines")
	recordBucket = []byte("records")
	ageBucket    = []byte("ages")
	banBucket    = []byte("bans")
	openBucket   = []byte("openings")

	allBuckets = [][]byte{metaBucket, roomBucket, lessonBucket, dueBucket, lineBucket, recordBucket, ageBucket}
	// newBuckets are those that files of the same format lack where an older program
	// made them.
	newBuckets = [][]byte{banBucket, openBucket}

	formatKey = []byte("format")
)

func secretKey(name string) []byte { return []byte("secret/" + name) }

// maxName bounds a name that is used as a key or a part of one, in bytes.
const maxName = 4096

// day counts from the epoch, in UTC.
type day uint32

func dayOf(t epoch.Instant) day { return day(max(0, t.Seconds()/(24*60*60))) }

func (d day) bytes() []byte { return binary.BigEndian.AppendUint32(nil, uint32(d)) }

// dated puts the day of the write before a value.
func dated(d day, value []byte) []byte { return append(d.bytes(), value...) }

// undated is the opposite of dated. A value that is too short has no JSON.
func undated(value []byte) (day, []byte) {
	if len(value) < 4 {
		return 0, nil
	}
	return day(binary.BigEndian.Uint32(value)), value[4:]
}

// within gives the key of something that belongs to a session, or a room.
func within(owner string, rest ...byte) []byte {
	key := make([]byte, 0, 2+len(owner)+len(rest))
	key = binary.BigEndian.AppendUint16(key, uint16(len(owner)))
	key = append(key, owner...)
	return append(key, rest...)
}

func lineKey(session string, seq int64) []byte {
	return binary.BigEndian.AppendUint64(within(session), uint64(seq))
}

func seqOf(lineKey []byte) int64 {
	return int64(binary.BigEndian.Uint64(lineKey[len(lineKey)-8:]))
}

func recordKey(session, id string) []byte { return within(session, []byte(id)...) }

func banKey(room, user string) []byte { return within(room, []byte(user)...) }

// openingsOf begins the keys of the openings of one room.
func openingsOf(name string, created epoch.Instant) []byte {
	return binary.BigEndian.AppendUint64(within(name), uint64(created))
}

func openingKey(name string, created epoch.Instant, o room.Opening) []byte {
	key := binary.BigEndian.AppendUint64(openingsOf(name, created), uint64(o.At))
	return append(key, o.Session...)
}

// openingOfLesson is the key of the lesson's own.
func openingOfLesson(l lesson.Lesson) []byte {
	return openingKey(l.Room, l.RoomCreated, room.Opening{At: l.Created, Session: l.Session})
}

// openingIn reads it out of what follows openingsOf in a key.
func openingIn(rest []byte) room.Opening {
	return room.Opening{At: epoch.Instant(binary.BigEndian.Uint64(rest)), Session: string(rest[8:])}
}

func dueKey(session string, due epoch.Instant) []byte {
	key := []byte{byte(bucketOf(session))}
	key = binary.BigEndian.AppendUint64(key, uint64(due))
	return append(key, session...)
}

// dueOf is the inverse of dueKey.
func dueOf(key []byte) (due epoch.Instant, session string) {
	return epoch.Instant(binary.BigEndian.Uint64(key[1:9])), string(key[9:])
}

func bucketOf(session string) int {
	h := fnv.New32a()
	h.Write([]byte(session))
	return int(h.Sum32() % room.DueBuckets)
}

const (
	lessonAge = 'l'
	shedAge   = 's'
	banAge    = 'b'
)

func lessonAgeKey(d day, session string) []byte {
	return append(append(d.bytes(), lessonAge), session...)
}

func shedAgeKey(d day, session string, revision int64) []byte {
	key := append(append(d.bytes(), shedAge), within(session)...)
	return binary.BigEndian.AppendUint64(key, uint64(revision))
}

func banAgeKey(d day, banKey []byte) []byte {
	return append(append(d.bytes(), banAge), banKey...)
}

// sessionOf reads the session out of a shedAgeKey.
func sessionOf(shedAgeKey []byte) string { return ownerOf(shedAgeKey[5:]) }

// ownerOf reads out of a key what it is within.
func ownerOf(key []byte) string {
	n := int(binary.BigEndian.Uint16(key))
	return string(key[2 : 2+n])
}

func decodeLesson(value []byte) (entry, error) {
	e := entry{size: len(value)}
	var raw []byte
	e.day, raw = undated(value)
	var stored storedLesson
	err := json.Unmarshal(raw, &stored)
	e.lesson = whole(stored.Lesson)
	return e, errors.Join(err, room.CheckSchema(stored.Schema))
}

// whole gives a lesson maps where it has none.
func whole(l lesson.Lesson) lesson.Lesson {
	if l.Conns == nil {
		l.Conns = map[string]lesson.Conn{}
	}
	if l.Promises == nil {
		l.Promises = map[string]lesson.Promise{}
	}
	if l.Seen == nil {
		l.Seen = map[string]epoch.Instant{}
	}
	return l
}

func hasPrefix(key, prefix []byte) bool { return key != nil && bytes.HasPrefix(key, prefix) }
