package epoch

import "time"

// last is the end of the year 9999, the last moment that RFC 3339 can write.
const last Instant = 253_402_300_799_999

// Parse reads a moment after 1970-01-01T00:00:00Z as RFC 3339 has it, with "T"
// and "Z" in capitals, and cuts it to the millisecond; false for every other
// text. It is as strict as the grammar: package time reads an hour of one digit,
// a comma before the fraction and an offset of a day as well.
func Parse(text string) (Instant, bool) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || text[len("2006-01-02T15")] != ':' || text[len("2006-01-02T15:04:05")] == ',' || !offsetWithinADay(text) {
		return 0, false
	}
	at := Of(t)
	return at, at > 0 && at <= last
}

// offsetWithinADay reports whether the text, which ends in Z or an offset like
// +01:00, means one of 23:59 at most.
func offsetWithinADay(text string) bool {
	offset := text[len(text)-len("01:00"):]
	return text[len(text)-1] == 'Z' || offset[:2] < "24" && offset[3:] < "60"
}
