package vonagetest

import (
	"testing"
	"time"
)

func TestASessionIDNamesItsProject(t *testing.T) {
	for _, project := range []string{testKey, testApp} {
		for _, prefix := range []string{"1_", "2_"} {
			id := newSessionID(prefix, project, time.Now())
			if projectOf(id) != project || len(id) > maxSessionID || id == newSessionID(prefix, project, time.Now()) {
				t.Errorf("%s names %q", id, projectOf(id))
			}
		}
	}
}

func TestAnIDOfTheVendorsOwnFormIsRead(t *testing.T) {
	// 1~123456~~Thu Feb 27 04:38:31 PST 2014~0.24482227~
	const id = "1_MX4xMjM0NTZ-flRodSBGZWIgMjcgMDQ6Mzg6MzEgUFNUIDIwMTR-MC4yNDQ4MjIyN34"
	if got := projectOf(id); got != "123456" {
		t.Errorf("got %q", got)
	}
}

func FuzzSessionIDs(f *testing.F) {
	f.Add("1_MX4xMjM0NTZ-fjF-fn4")
	f.Add(newSessionID("2_", testKey, time.Now()))
	f.Add("2_====")
	p := New(Options{APIKey: testKey, APISecret: testSecret})
	defer p.Close()
	f.Fuzz(func(t *testing.T, id string) {
		project := projectOf(id)
		if _, err := p.Session(id); (err == nil) != (project == testKey) {
			t.Errorf("%q names %q, and the platform says %v", id, project, err)
		}
	})
}
