//go:build verify

package browsertest

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// Picture leaves the whole page, as it looks now, as .cache/pictures/NAME.png
// under the repository's root.
func (b Tab) Picture(name string) Tab {
	b.T.Helper()
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.T.Fatalf("the picture %s: %v", name, err)
	}
	folder := filepath.Join(root(b.T), ".cache", "pictures")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		b.T.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), png, 0o644); err != nil {
		b.T.Fatal(err)
	}
	return b
}

// root is the repository's: the folder of go.mod, above the test's package.
func root(t *testing.T) string {
	t.Helper()
	folder, err := os.Getwd()
	for ; err == nil; folder = filepath.Dir(folder) {
		if _, missing := os.Stat(filepath.Join(folder, "go.mod")); missing == nil {
			return folder
		}
		if folder == filepath.Dir(folder) {
			t.Fatal("no go.mod above the test")
		}
	}
	t.Fatal(err)
	return ""
}

// Size makes the window that large, in CSS pixels.
func (b Tab) Size(width, height int) Tab {
	b.T.Helper()
	b.Do(chromedp.EmulateViewport(int64(width), int64(height)))
	return b
}

// Prefers says what the visitor prefers, as pairs of a media feature and its
// value: "prefers-color-scheme", "dark". It replaces what was said before.
func (b Tab) Prefers(pairs ...string) Tab {
	b.T.Helper()
	var features []*emulation.MediaFeature
	for i := 0; i+1 < len(pairs); i += 2 {
		features = append(features, &emulation.MediaFeature{Name: pairs[i], Value: pairs[i+1]})
	}
	b.Do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features})
		return err
	}))
	return b
}

// Block has requests fail whose address matches one of the URL patterns:
// "*://*/opentok.js". It replaces what was blocked before.
func (b Tab) Block(patterns ...string) Tab {
	b.T.Helper()
	blocked := []*network.BlockPattern{}
	for _, p := range patterns {
		blocked = append(blocked, &network.BlockPattern{URLPattern: p, Block: true})
	}
	b.Do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if _, err := cdp.Call(ctx, t, network.Enable, network.EnableParams{}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, t, network.SetBlockedURLs, network.SetBlockedURLsParams{URLPatterns: blocked})
		return err
	}))
	return b
}

// NoScript switches JavaScript off for the pages that the tab opens from now on.
func (b Tab) NoScript() Tab {
	b.T.Helper()
	b.Do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
	return b
}

// Before runs a script in each page that the tab opens from now on, before the
// page's own: a clock that the test sets, a device that is refused.
func (b Tab) Before(script string) Tab {
	b.T.Helper()
	b.Do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
		return err
	}))
	return b
}

// Keys types, as a person with a keyboard does: "\t" goes to the next control,
// "\r" presses it.
func (b Tab) Keys(keys string) Tab {
	b.T.Helper()
	b.Do(chromedp.KeyEvent(keys))
	return b
}
