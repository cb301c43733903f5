package command

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

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

// writeJSON writes a document as the server gave it, on a line of its own.
func writeJSON(w io.Writer, document []byte) error {
	_, err := fmt.Fprintf(w, "%s\n", strings.TrimRight(string(document), "\n"))
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

// read reads what the server gave.
func read[T any](raw []byte) (v T, err error) {
	if err = json.Unmarshal(raw, &v); err != nil {
		err = fmt.Errorf("what the server answers is not Usher's: %w", err)
	}
	return v, err
}
