package dynamo

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// kept gives the items that each earlier release stored, by the file's name: lines of JSON
// as DynamoDB has it.
func kept(t *testing.T) map[string][]item {
	t.Helper()
	files, err := filepath.Glob("testdata/stored/*.json.gz")
	if err != nil || len(files) == 0 {
		t.Fatalf("nothing is kept: %v", err)
	}
	all := map[string][]item{}
	for _, name := range files {
		all[filepath.Base(name)] = keptIn(t, name)
	}
	return all
}

func keptIn(t *testing.T, name string) (items []item) {
	t.Helper()
	packed, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	in, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	for lines := json.NewDecoder(in); lines.More(); {
		var line map[string]any
		if err := lines.Decode(&line); err != nil {
			t.Fatal(err)
		}
		items = append(items, ofJSON(map[string]any{"M": line}).(*types.AttributeValueMemberM).Value)
	}
	return items
}

// ofJSON and toJSON are an attribute in DynamoDB's JSON.
func ofJSON(v any) types.AttributeValue {
	for kind, v := range v.(map[string]any) {
		switch kind {
		case "S":
			return str(v.(string))
		case "N":
			return &types.AttributeValueMemberN{Value: v.(string)}
		case "BOOL":
			return &types.AttributeValueMemberBOOL{Value: v.(bool)}
		case "L":
			l := &types.AttributeValueMemberL{Value: []types.AttributeValue{}}
			for _, e := range v.([]any) {
				l.Value = append(l.Value, ofJSON(e))
			}
			return l
		case "M":
			m := &types.AttributeValueMemberM{Value: item{}}
			for name, e := range v.(map[string]any) {
				m.Value[name] = ofJSON(e)
			}
			return m
		}
	}
	panic(fmt.Sprintf("%v is no attribute", v))
}

func toJSON(a types.AttributeValue) map[string]any {
	switch a := a.(type) {
	case *types.AttributeValueMemberS:
		return map[string]any{"S": a.Value}
	case *types.AttributeValueMemberN:
		return map[string]any{"N": a.Value}
	case *types.AttributeValueMemberBOOL:
		return map[string]any{"BOOL": a.Value}
	case *types.AttributeValueMemberL:
		l := []any{}
		for _, e := range a.Value {
			l = append(l, toJSON(e))
		}
		return map[string]any{"L": l}
	case *types.AttributeValueMemberM:
		m := map[string]any{}
		for name, e := range a.Value {
			m[name] = toJSON(e)
		}
		return map[string]any{"M": m}
	}
	panic(fmt.Sprintf("%T is not stored", a))
}

// TestStoredIsUnderstood: what earlier releases stored of lessons is read whole, for written
// again it is the same, attribute for attribute. How many bytes it takes is an estimate.
func TestStoredIsUnderstood(t *testing.T) {
	unlike := []string{"shedAt", "users", "bytes"}
	for name, items := range kept(t) {
		lessons := 0
		for _, i := range items {
			if keyText(i, "sk") != "lesson" {
				continue
			}
			lessons++
			l, err := decodeLesson(i)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			again := stored(l)
			delete(again, "schema")
			for attribute := range i {
				if !reflect.DeepEqual(again[attribute], i[attribute]) && !slices.Contains(unlike, attribute) {
					t.Errorf("%s: %s of %q is %v, was %v", name, attribute, l.Session, toJSON(again[attribute]), toJSON(i[attribute]))
				}
			}
		}
		if lessons == 0 {
			t.Errorf("%s has no lesson", name)
		}
	}
}
