package app

import (
	"encoding/json"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/pkg/api"
	"usher/pkg/topic"
)

// illOf asks the rooms function for a checkup, and gives the names of what is not well.
func illOf(t *testing.T, c *cloud) []string {
	t.Helper()
	r := httptest.NewRequest("POST", "/v1/checkup", nil)
	token := api.AdminToken([]byte("not-in-a-log-2-but-32-bytes-long"), c.clock, time.Hour)
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	c.Rooms(topic.Confirmed).ServeHTTP(w, r)
	var all api.Findings
	if err := json.Unmarshal(w.Body.Bytes(), &all); err != nil || w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	ill := []string{}
	for _, f := range all.Checks {
		if !f.OK {
			ill = append(ill, f.Name)
		}
	}
	return ill
}

// What a checkup sees of the cloud: queues, the topic of alarms, reserved concurrency.
func TestCheckup(t *testing.T) {
	withQueues := func(c *cloud) {
		c.env["USHER_DEAD_LETTER_URLS"] = c.env["USHER_TASKS_URL"] + "-dead," + c.env["USHER_PARK_URL"] + "-dead"
		c.env["USHER_ALARM_TOPIC_ARN"] = "arn:aws:sns:eu-central-1:123456789012:alarms"
		c.env["USHER_RESERVED_CONCURRENCY"] = "100"
		c.env["AWS_ENDPOINT_URL_SQS"], c.confirmed = c.env["AWS_ENDPOINT_URL"], 1
	}
	young := []string{"callback", "sweep"} // the table of this test is empty
	for name, test := range map[string]struct {
		change func(*cloud)
		want   []string
	}{
		"well":                  {func(*cloud) {}, young},
		"a dead letter":         {func(c *cloud) { c.waiting = map[string]int{"parked-dead": 1} }, append(young[:2:2], "dead-letters")},
		"a parked event":        {func(c *cloud) { c.waiting = map[string]int{"parked": 2} }, append(young[:2:2], "parked")},
		"nobody confirmed":      {func(c *cloud) { c.confirmed = 0 }, append(young[:2:2], "alarms")},
		"no topic":              {func(c *cloud) { c.env["USHER_ALARM_TOPIC_ARN"] = "" }, append(young[:2:2], "alarms")},
		"no concurrency":        {func(c *cloud) { c.env["USHER_RESERVED_CONCURRENCY"] = "0" }, append(young[:2:2], "concurrency")},
		"queues cannot be seen": {func(c *cloud) { c.env["AWS_ENDPOINT_URL_SQS"] = "http://127.0.0.1:1" }, append(young[:2:2], "dead-letters", "dead-letters", "parked")},
	} {
		t.Run(name, func(t *testing.T) {
			c := newTestCloud(t, fullSecret)
			withQueues(c)
			test.change(c)
			if diff := cmp.Diff(test.want, illOf(t, c)); diff != "" {
				t.Errorf("not well are (- want, + got)\n%s", diff)
			}
		})
	}
}
