package dynamo

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"usher/pkg/epoch"
	"usher/pkg/room"
)

// item is an item, a map inside one, or a key.
type item = map[string]types.AttributeValue

// Parts of keys.
const (
	roomsKey   = "rooms"
	lessonMark = "L#"
	bansMark   = "B#"
	openMark   = "O#"
	userMark   = "u#"
	lessonSort = "lesson"
	recordMark = "r#"
	chunkMark  = "c#"
	lastChunk  = chunkMark + "9999999999999999"
	dueName    = "due" // the index
)

// chunkLines is how many log lines one chunk item holds.
const chunkLines = 8

func key(pk, sk string) item { return item{"pk": str(pk), "sk": str(sk)} }

func roomKey(name string) item { return key(roomsKey, name) }

func banKey(room, user string) item { return key(bansMark+room, userMark+user) }

// openingsOf begins the sort keys of the openings of one room.
func openingsOf(created epoch.Instant) string { return fmt.Sprintf("%016d#", int64(created)) }

func openingKey(name string, created epoch.Instant, o room.Opening) item {
	return key(openMark+name, fmt.Sprintf("%s%016d#%s", openingsOf(created), int64(o.At), o.Session))
}

// openingIn reads it out of the key.
func openingIn(i item) (o room.Opening, err error) {
	_, rest, _ := strings.Cut(keyText(i, "sk"), "#")
	began, session, _ := strings.Cut(rest, "#")
	at, err := strconv.ParseInt(began, 10, 64)
	if err != nil {
		return o, named(err, i)
	}
	return room.Opening{At: epoch.Instant(at), Session: session}, nil
}

func lessonKey(session string) item { return key(lessonMark+session, lessonSort) }

func recordKey(session, id string) item { return key(lessonMark+session, recordMark+id) }

// chunkSort names the chunk whose first line has the number seq.
func chunkSort(seq int64) string { return fmt.Sprintf("%s%016d", chunkMark, seq) }

// keyText gives an attribute of a key; "" where it is no string.
func keyText(i item, name string) string {
	if s, ok := i[name].(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

// sessionOf reads the session out of the key of anything that is a lesson's.
func sessionOf(i item) string { return strings.TrimPrefix(keyText(i, "pk"), lessonMark) }

// bucketOf is where the due index keeps a session.
func bucketOf(session string) string {
	h := fnv.New32a()
	h.Write([]byte(session))
	return strconv.Itoa(int(h.Sum32() % room.DueBuckets))
}

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}
