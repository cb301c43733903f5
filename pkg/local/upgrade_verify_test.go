//go:build verify && upgrade

package local

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"usher/pkg/dynamo/dynamotest"
	"usher/pkg/vonage/vonagetest"
)

// crew is this release and an earlier one, of which USHER_PREVIOUS names the program, at
// one platform. One of them works, or both by turns over one table.
type crew struct {
	*mortal
	binaries map[string]string
}

func newCrew(t *testing.T, vars ...string) *crew {
	t.Helper()
	previous := os.Getenv("USHER_PREVIOUS")
	if previous == "" {
		t.Fatal("USHER_PREVIOUS does not name the program of an earlier release: use make upgrade")
	}
	m := newMortal(t, vars...)
	return &crew{m, map[string]string{"the new one": m.binary, "the old one": previous}}
}

// handOver stops whoever works and has the other go on.
func (c *crew) handOver(to string) {
	c.t.Helper()
	c.kill()
	c.binary = c.binaries[to]
	c.start()
}

// beside starts a second program over the same table, and gives both the requests by turns.
func (c *crew) beside(binary string) {
	c.t.Helper()
	data := "USHER_DATA=" + filepath.Join(c.t.TempDir(), "second.db")
	other := &mortal{t: c.t, binary: c.binaries[binary], vars: append(slices.Clone(c.vars), data), platform: c.platform, secret: c.secret}
	c.t.Cleanup(other.kill)
	c.t.Cleanup(func() {
		if c.t.Failed() {
			text := other.log.String()
			c.t.Logf("the end of the log of %s:\n%s", binary, text[max(0, len(text)-10_000):])
		}
	})
	other.start()
	var turn atomic.Int64
	first, second := c.at(), other.at()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turns = func() *url.URL { return []*url.URL{first, second}[turn.Add(1)%2] }
}

// TestUpgrade: a lesson that begins under one release goes on under the other, and ends
// under either, as if there had been one.
func TestUpgrade(t *testing.T) {
	table := dynamotest.Start(t)
	for name, vars := range map[string][]string{"bolt": nil, "dynamodb": {"AWS_ENDPOINT_URL_DYNAMODB=" + table.URL}} {
		for _, first := range []string{"the old one", "the new one"} {
			t.Run(name+"/"+first+" begins", func(t *testing.T) {
				c := newCrew(t, append(vars, "USHER_TABLE="+strings.Map(letters, t.Name()))...)
				second := map[string]string{"the old one": "the new one", "the new one": "the old one"}[first]
				c.handOver(first)
				c.begin()
				c.handOver(second)
				c.goOn(1)
				c.handOver(first)
				c.goOn(2)
				c.handOver(second)
				c.end()
			})
		}
	}
	t.Run("side by side", func(t *testing.T) {
		c := newCrew(t, "AWS_ENDPOINT_URL_DYNAMODB="+table.URL, "USHER_TABLE=beside")
		c.handOver("the old one")
		c.beside("the new one")
		c.begin()
		c.goOn(1)
		c.goOn(2)
		c.end()
	})
}

func letters(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
		return r
	}
	return '-'
}

// Of the hall so many are in at first.
const upgradeHall = 90

// begin opens a class of two seats with a deadline, and a hall.
func (c *crew) begin() {
	c.t.Helper()
	for name, policy := range map[string]string{
		"class": `{"maxSeats":2,"foreignTokens":"accept","lessonSeconds":3600}`,
		"hall":  `{"foreignTokens":"accept","lessonSeconds":3600}`,
	} {
		if status := c.admin("PUT", "/v1/rooms/"+name, policy, nil); status != 201 {
			c.t.Fatalf("PUT of %s: %d", name, status)
		}
	}
	for _, user := range []string{"ann", "ben"} {
		c.mustEnter("class", user)
	}
	for i := range upgradeHall {
		c.mustEnter("hall", fmt.Sprintf("guest-%03d", i))
	}
	c.eventually("the class runs", func() bool { v := c.view("class"); return v.Status == "running" && v.Seats == 2 })
	c.eventually("everybody is in the hall", func() bool { return c.view("hall").Seats == upgradeHall })
}

func (c *crew) mustEnter(name, user string) string {
	c.t.Helper()
	session, ok := c.enter(name, user)
	if !ok {
		c.t.Fatalf("%s does not get into %s", user, name)
	}
	return session
}

// goOn has a third one come to the class and be sent away, and ten guests leave the hall, as
// often as that.
func (c *crew) goOn(round int) {
	c.t.Helper()
	class, hall := *c.view("class").SessionID, *c.view("hall").SessionID
	third, err := c.platform.ConnectForeign(class, fmt.Sprintf("third-%d", round), "")
	if err != nil {
		c.t.Fatal(err)
	}
	c.eventually("the third is sent away", func() bool { return !in(c.platform.Connected(class), third.ID) })
	guests := c.platform.Connected(hall)
	for i := range 10 {
		if err := c.platform.Disconnect(hall, guests[i*len(guests)/10].ID, vonagetest.ClientDisconnected); err != nil {
			c.t.Fatal(err)
		}
	}
	left := upgradeHall - 10*round
	c.eventually("ten have left the hall", func() bool { return c.view("hall").Seats == left })
	if v := c.view("class"); v.Seats != 2 || v.Status != "running" {
		c.t.Errorf("the class has %d seats taken and is %s", v.Seats, v.Status)
	}
}

func in(all []vonagetest.Connection, id string) bool {
	return slices.ContainsFunc(all, func(c vonagetest.Connection) bool { return c.ID == id })
}

// end lets the class come to its deadline and ends the hall, and looks at what is kept.
func (c *crew) end() {
	c.t.Helper()
	class, hall := *c.view("class").SessionID, *c.view("hall").SessionID
	soon := time.Now().Add(3 * time.Second).UTC().Format(time.RFC3339)
	if status := c.admin("POST", "/v1/rooms/class/extend", fmt.Sprintf(`{"endsAt":%q}`, soon), nil); status != 200 {
		c.t.Fatalf("extend: %d", status)
	}
	if status := c.admin("POST", "/v1/rooms/hall/end", "", nil); status != 200 {
		c.t.Fatalf("end: %d", status)
	}
	for name, session := range map[string]string{"class": class, "hall": hall} {
		c.eventually("the "+name+" is over and empty", func() bool {
			return c.view(name).Status == "ended" && len(c.platform.Connected(session)) == 0
		})
	}
	c.kept("class", 2, 2)
	c.kept("hall", 0, upgradeHall)
}

// kept says that the log has each line once, tells of so many refusals, and that the record
// has so many people.
func (c *crew) kept(name string, refused, people int) {
	c.t.Helper()
	said, refusals := map[string]int{}, 0
	for i, line := range c.lines(name) {
		if line.Seq != int64(i)+1 {
			c.t.Errorf("%s: line %d of the log has the number %d", name, i+1, line.Seq)
		}
		if line.Action == "refused" {
			refusals++
		}
		if line.Action == "left" {
			said[*line.ConnectionID]++
		}
	}
	for id, n := range said {
		if n != 1 {
			c.t.Errorf("%s: the log says %d times that %s left", name, n, id)
		}
	}
	if refusals != refused {
		c.t.Errorf("%s: %d were refused, want %d", name, refusals, refused)
	}
	var record struct{ Users []any }
	if status := c.admin("GET", "/v1/rooms/"+name+"/attendance", "", &record); status != 200 || len(record.Users) != people {
		c.t.Errorf("%s: the record has %d people (%d), want %d", name, len(record.Users), status, people)
	}
}
