package api

import (
	"net/http"

	"usher/pkg/checkup"
)

// Finding is what one check of a checkup saw.
type Finding struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

// Findings are the answer to a checkup. Now is the server's clock.
type Findings struct {
	Version string    `json:"version"`
	Now     string    `json:"now"`
	Checks  []Finding `json:"checks"`
}

func (s *server) checkup(w http.ResponseWriter, c call) error {
	all := Findings{Version: s.Version, Checks: []Finding{}}
	if s.Checkup != nil {
		all.Checks = each(s.Checkup(c.Context()), func(f checkup.Finding) Finding { return Finding(f) })
	}
	all.Now = s.Now().String()
	return writeJSON(w, http.StatusOK, all)
}
