package metric

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"testing"
)

// TestAll: who asks for all gets every metric of the file, once, with a name that is a
// word in both worlds.
func TestAll(t *testing.T) {
	tree, err := parser.ParseFile(token.NewFileSet(), "metric.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	ast.Inspect(tree, func(n ast.Node) bool {
		if c, ok := n.(*ast.CompositeLit); ok {
			if kind, ok := c.Type.(*ast.Ident); ok && kind.Name == "Metric" {
				names = append(names, c.Elts[0].(*ast.BasicLit).Value)
			}
		}
		return true
	})
	var all []string
	for _, m := range All() {
		all = append(all, `"`+m.Name+`"`)
		if !regexp.MustCompile(`^([A-Z][a-z]+)+$`).MatchString(m.Name+m.Label) || m.Help == "" || m.Unit == "" {
			t.Errorf("%+v", m)
		}
	}
	slices.Sort(names)
	slices.Sort(all)
	if len(names) == 0 || !slices.Equal(names, all) {
		t.Errorf("the file has %s, All %s", names, all)
	}
}
