package bolt

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
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
//	ages     day, 'l', SESSION         -> nothing
//	         day, 's', (SESSION), rev  -> keys of the lines and records of one Shed
//
// Numbers are big-endian, a session in brackets has its length before it (two
// bytes), a day is four bytes, and values are JSON.
var (
	metaBucket   = []byte("meta")
	roomBucket   = []byte("rooms")
	lessonBucket = []byte("lessons")
	dueBucket    = []byte("due")
	lineBucket   = []byte("lines")
	recordBucket = []byte("records")
	ageBucket    = []byte("ages")

	allBuckets = [][]byte{metaBucket, roomBucket, lessonBucket, dueBucket, lineBucket, recordBucket, ageBucket}

	formatKey = []byte("format")
)

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

// within gives the key of something that belongs to a session.
func within(session string, rest ...byte) []byte {
	key := make([]byte, 0, 2+len(session)+len(rest))
	key = binary.BigEndian.AppendUint16(key, uint16(len(session)))
	key = append(key, session...)
	return append(key, rest...)
}

func lineKey(session string, seq int64) []byte {
	return binary.BigEndian.AppendUint64(within(session), uint64(seq))
}

func seqOf(lineKey []byte) int64 {
	return int64(binary.BigEndian.Uint64(lineKey[len(lineKey)-8:]))
}

func recordKey(session, id string) []byte { return within(session, []byte(id)...) }

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
)

func lessonAgeKey(d day, session string) []byte {
	return append(append(d.bytes(), lessonAge), session...)
}

func shedAgeKey(d day, session string, revision int64) []byte {
	key := append(append(d.bytes(), shedAge), within(session)...)
	return binary.BigEndian.AppendUint64(key, uint64(revision))
}

// sessionOf reads the session out of a shedAgeKey.
func sessionOf(shedAgeKey []byte) string {
	rest := shedAgeKey[5:]
	n := int(binary.BigEndian.Uint16(rest))
	return string(rest[2 : 2+n])
}

func decodeLesson(value []byte) (entry, error) {
	e := entry{size: len(value)}
	var raw []byte
	e.day, raw = undated(value)
	err := json.Unmarshal(raw, &e.lesson)
	e.lesson = whole(e.lesson)
	return e, err
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
