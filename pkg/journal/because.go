package journal

import (
	"encoding/json"

	"usher/pkg/epoch"
)

// Because is what a refusal for lack of room, or of a duplicate, rests on, as a line
// carries it: the JSON of a Proof; "" where there is nothing to say.
type Because string

// Proof says who had the better right, and by what that is known.
type Proof struct {
	// Holders are up to MostHolders ids of connections and, for promises, Promised of
	// the user.
	Holders []string `json:"holders,omitempty"`
	// ReadAt is when the reading of the list began that proved it; 0: it was
	// known without one.
	ReadAt epoch.Instant `json:"readAt,omitempty"`
}

// MostHolders is how many a Proof names.
const MostHolders = 8

// Promised names a promise among the holders.
func Promised(user string) string { return "promise:" + user }

// Said gives the proof as a line carries it, cut to MostHolders.
func (p Proof) Said() Because {
	p.Holders = p.Holders[:min(len(p.Holders), MostHolders)]
	text, err := json.Marshal(p)
	if err != nil {
		panic(err) // texts and numbers always marshal
	}
	return Because(text)
}

// Proof reads it; the zero Proof where there is nothing to read.
func (b Because) Proof() (p Proof) {
	_ = json.Unmarshal([]byte(b), &p)
	return p
}
