package bolt

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/room"
	"usher/pkg/room/storetest"
)

func TestReopen(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	l := start(t, s, "one", `{"lessonSeconds":60,"note":"<b>&"}`)
	for i := range 20 {
		l = mustAdd(t, s, arrival(l, i))
	}
	in := l.Conns["c0"]
	l, err := s.Shed(t.Context(), l, lesson.Shed{
		Lines: 8, Records: []lesson.Record{{ID: "c0", Conn: &in}}, Conns: []string{"c0"}, ShedThrough: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	before := everything(t, s, l.Session)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if d := storetest.Diff(before, everything(t, open(t, path), l.Session)); d != "" {
		t.Errorf("the file gives back something else (-before +after):\n%s", d)
	}
}

// state is all that readers can ask of a lesson and its room.
type state struct {
	Lesson  lesson.Lesson
	Room    room.Room
	Lines   []journal.Line
	Records []lesson.Record
	Due     []string
}

func everything(t *testing.T, s *Store, session string) (all state) {
	t.Helper()
	ctx := t.Context()
	var errs [5]error
	all.Lesson, _, errs[0] = s.Lesson(ctx, session)
	all.Room, errs[1] = s.Room(ctx, all.Lesson.Room)
	all.Lines, errs[2] = s.Lines(ctx, session, 0, 1000)
	all.Records, errs[3] = s.Records(ctx, session, "", 1000)
	all.Due, errs[4] = s.Due(ctx, bucketOf(session), all.Lesson.Due, 1000)
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestClosed(t *testing.T) {
	s := open(t, newPath(t))
	l := start(t, s, "one", "{}")
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, _, read := s.Lesson(t.Context(), l.Session)
	_, written := s.Add(t.Context(), arrival(l, 1))
	for what, err := range map[string]error{"a read": read, "a write": written} {
		if !errors.Is(err, room.ErrUnavailable) {
			t.Errorf("%s after Close: %v, want room.ErrUnavailable", what, err)
		}
	}
}

func TestOpenMakesTheFilePrivate(t *testing.T) {
	path := newPath(t)
	for _, what := range []string{"a new file", "a file that was open to all"} {
		s := open(t, path)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has the mode %v, want 0600", what, info.Mode())
		}
		s.Close()
		if err := os.Chmod(path, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(t *testing.T, path string)
		want  string
	}{
		"in use":               {func(t *testing.T, path string) { open(t, path) }, "another process is using it"},
		"a text":               {content(strings.Repeat("not a store\n", 2000)), "damaged"},
		"a short text":         {content("x"), ""},
		"cut off":              {spoilt(func(b []byte) []byte { return b[:len(b)/2] }), "damaged"},
		"pages of zeros":       {spoilt(func(b []byte) []byte { clear(b[4*4096:]); return b }), "damaged"},
		"keys out of order":    {spoilt(disordered), "damaged"},
		"a directory":          {func(t *testing.T, path string) { mkdir(t, path) }, "not a regular file"},
		"no such directory":    {func(t *testing.T, path string) { os.Remove(filepath.Dir(path)) }, "its directory does not exist"},
		"of another format":    {reformatted, `format is "0"`},
		"without its contents": {spoilt(func(b []byte) []byte { return b[:2*4096] }), "damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "sub", "usher.db")
			mkdir(t, filepath.Dir(path))
			c.spoil(t, path)
			s, err := Open(path, Options{LockWait: 60 * time.Millisecond})
			if err == nil {
				s.Close()
				t.Fatal("it was opened")
			}
			if !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "runtime error") {
				t.Errorf("the error is %q; it has to name the path and say %q", err, c.want)
			}
		})
	}
}

func mkdir(t *testing.T, path string) {
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
}

func content(text string) func(*testing.T, string) {
	return func(t *testing.T, path string) { write(t, path, []byte(text)) }
}

func write(t *testing.T, path string, content []byte) {
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// spoilt makes a file of some lessons and changes its bytes.
func spoilt(change func([]byte) []byte) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		s := open(t, path)
		for i := range 50 {
			start(t, s, fmt.Sprint(i), "{}")
		}
		s.Close()
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		write(t, path, change(whole))
	}
}

// disordered has a key that is smaller than the one before it.
func disordered(b []byte) []byte {
	return bytes.ReplaceAll(b, []byte("session-49"), []byte("\x00ession-49"))
}

func reformatted(t *testing.T, path string) {
	s := open(t, path)
	err := s.write(t.Context(), func(b *batch) error { b.put(metaBucket, formatKey, []byte("0")); return nil })
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}

func TestSecret(t *testing.T) {
	path := newPath(t)
	made := 0
	ask := func(s *Store, name string) []byte {
		secret, err := s.Secret(t.Context(), name, func() []byte { made++; return fmt.Appendf(nil, "secret %d", made) })
		if err != nil {
			t.Fatal(err)
		}
		return secret
	}
	s := open(t, path)
	first := ask(s, "api")
	first[0]++ // a caller's own copy
	other := ask(s, "other")
	s.Close()
	s = open(t, path)
	if got := ask(s, "api"); string(got) != "secret 1" || made != 2 {
		t.Errorf("got %q after %d were made; one is made for each name, once", got, made)
	}
	if bytes.Equal(first, other) {
		t.Error("two names have one secret")
	}
	if _, err := s.Secret(t.Context(), "empty", func() []byte { return nil }); err == nil {
		t.Error("an empty secret was kept")
	}
}

// childPath names the variable that makes the test binary the process to kill.
const childPath = "USHER_TEST_BOLT_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(childPath); path != "" {
		fmt.Fprintln(os.Stderr, addForever(path))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// addForever adds with several clients at once and prints each connection once
// its add is acknowledged.
func addForever(path string) error {
	s, err := Open(path, Options{})
	if err != nil {
		return err
	}
	failed := make(chan error)
	for client := range 4 {
		go func() { failed <- addLessons(s, client) }()
	}
	return <-failed
}

func addLessons(s *Store, client int) error {
	ctx := context.Background()
	for n := 0; ; n++ {
		l, err := begin(ctx, s, fmt.Sprintf("%d-%d-%d", os.Getpid(), client, n), "{}")
		if err != nil {
			return err
		}
		for i := range 40 {
			if l, err = s.Add(ctx, arrival(l, i)); err != nil {
				return err
			}
			// One write, so that a line is never half of one.
			fmt.Print(l.Session + " " + fmt.Sprintf("c%d", i) + "\n")
		}
	}
}

func TestKilled(t *testing.T) {
	path := newPath(t)
	acknowledged := map[string][]string{}
	total := 0
	for round := range 3 {
		for _, ack := range killAfter(t, path, 300) {
			session, conn, _ := strings.Cut(ack, " ")
			acknowledged[session] = append(acknowledged[session], conn)
			total++
		}
		s := open(t, path)
		lost := 0
		for session, conns := range acknowledged {
			l, _, err := s.Lesson(t.Context(), session)
			if err != nil {
				t.Fatalf("round %d: lesson %s: %v", round, session, err)
			}
			for _, id := range conns {
				if _, ok := l.Conns[id]; !ok {
					lost++
				}
			}
		}
		s.Close()
		if lost != 0 {
			t.Errorf("round %d: %d of %d acknowledged adds are lost", round, lost, total)
		}
	}
}

// killAfter runs a child on the file, kills it after n acknowledgements and
// gives all that it wrote.
func killAfter(t *testing.T, path string, n int) (acks []string) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), childPath+"="+path)
	var said bytes.Buffer
	child.Stderr = &said
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if acks = append(acks, lines.Text()); len(acks) == n {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	child.Wait()
	if len(acks) < n {
		t.Fatalf("the child stopped after %d adds: %s", len(acks), said.String())
	}
	return acks
}
