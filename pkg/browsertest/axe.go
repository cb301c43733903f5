//go:build verify

package browsertest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chromedp/chromedp"
)

// axeFile is what `make fetch` installs there.
const axeFile = "pkg/browsertest/testdata/node_modules/axe-core/axe.min.js"

// violation is what axe-core says of a page, as its API documentation has it:
// https://github.com/dequelabs/axe-core/blob/develop/doc/API.md#results-object
type violation struct {
	ID, Impact, Help string
	Nodes            []struct {
		Target         []any
		FailureSummary string
	}
}

// Axe has axe-core judge the page as it is now. What it calls serious or
// critical fails the test; what it calls less is printed.
func (b Tab) Axe() Tab {
	b.T.Helper()
	for _, v := range b.violations() {
		say := b.T.Logf
		if slices.Contains([]string{"serious", "critical"}, v.Impact) {
			say = b.T.Errorf
		}
		for _, n := range v.Nodes {
			say("axe: %s: %s (%s) at %v: %s", v.Impact, v.Help, v.ID, n.Target, strings.ReplaceAll(n.FailureSummary, "\n", " "))
		}
	}
	return b
}

func (b Tab) violations() []violation {
	b.T.Helper()
	source, err := os.ReadFile(filepath.Join(root(b.T), axeFile))
	if err != nil {
		b.T.Fatalf("axe-core is not installed: use make fetch (%v)", err)
	}
	if b.Eval(`typeof axe`) == "undefined" {
		b.Eval(string(source) + `;""`)
	}
	const run = `axe.run(document, {resultTypes: ["violations"]}).then((found) => JSON.stringify(found.violations))`
	found, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](run, chromedp.EvalAwaitPromise))
	if err != nil {
		b.T.Fatalf("axe: %v", err)
	}
	var list []violation
	if err := json.Unmarshal([]byte(found), &list); err != nil {
		b.T.Fatalf("axe said %s: %v", found, err)
	}
	return list
}
