package command

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"usher/pkg/client"
	"usher/pkg/journal"
)

// table is columns for a person. Every cell is Plain text.
type table struct{ *tabwriter.Writer }

func newTable(w io.Writer, head ...string) table {
	t := table{tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
	if len(head) > 0 {
		t.row(head...)
	}
	return t
}

// row writes one; an empty cell is a dash.
func (t table) row(cells ...string) {
	for i, cell := range cells {
		if cells[i] = journal.Plain(cell); cell == "" {
			cells[i] = "-"
		}
	}
	fmt.Fprintln(t, strings.Join(cells, "\t"))
}

// text is a value of an answer, which may be null.
func text[T ~string](value *T) string {
	if value == nil {
		return ""
	}
	return string(*value)
}

// writeJSON writes a document of the server's on a line of its own. It is the same value,
// with what steers a terminal escaped.
func writeJSON(w io.Writer, document []byte) error {
	var line bytes.Buffer
	if json.Compact(&line, document) != nil {
		return client.ErrNotUsher
	}
	_, err := fmt.Fprintln(w, journal.Plain(strings.ToValidUTF8(line.String(), "\ufffd")))
	return err
}

// writeList writes a whole list as the API writes its pages.
func writeList(w io.Writer, name string, items []json.RawMessage) error {
	if items == nil {
		items = []json.RawMessage{}
	}
	document, err := json.Marshal(map[string][]json.RawMessage{name: items})
	if err != nil {
		return err
	}
	return writeJSON(w, document)
}
