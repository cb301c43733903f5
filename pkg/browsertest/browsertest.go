//go:build verify

package browsertest

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// patience is how long a slow machine may take.
const patience = 3 * time.Minute

// Browser is one Chromium, closed with its test.
type Browser struct {
	t   *testing.T
	ctx context.Context
}

// Start starts one. A test without a browser fails.
func Start(t *testing.T) Browser {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.DisableGPU)
	for _, name := range []string{"disable-quic", "disable-component-update", "disable-background-networking", "disable-sync"} {
		options = append(options, chromedp.Flag(name, true))
	}
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	browser, stop := chromedp.NewContext(ctx)
	t.Cleanup(stop)
	if err := chromedp.Do(browser); err != nil {
		t.Fatalf("no browser: %v", err)
	}
	return Browser{t, browser}
}

// Tab is a page of one visitor, who shares no cookies with the others.
type Tab struct {
	T     *testing.T // that fails where an expectation does
	ctx   context.Context
	Close func()
}

// Visitor opens a tab for somebody new, with nothing in it.
func (b Browser) Visitor(t *testing.T) Tab {
	t.Helper()
	ctx, stop := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	b.t.Cleanup(stop)
	return Tab{t, ctx, stop}
}

// Do runs the browser's own actions in the tab.
func (b Tab) Do(actions ...chromedp.Action[chromedp.Void]) {
	b.T.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.T.Fatal(err)
	}
}

// Open goes to an address.
func (b Tab) Open(url string) Tab {
	b.T.Helper()
	b.Do(chromedp.Navigate(url))
	return b
}

// Eval gives what an expression, which must be a text, is in the page.
func (b Tab) Eval(expression string) string {
	b.T.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](expression))
	if err != nil {
		b.T.Fatalf("%s: %v", expression, err)
	}
	return v
}

// Want waits until the expression has the value. It may fail while the page is
// on its way to another one.
func (b Tab) Want(expression, value string) {
	b.T.Helper()
	got, err := "", error(nil)
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if got, err = chromedp.Run(b.ctx, chromedp.Evaluate[string](expression)); err == nil && got == value {
			return
		}
		_ = chromedp.Do(b.ctx, chromedp.Sleep(20*time.Millisecond))
	}
	b.T.Fatalf("%s is %q (%v), want %q", expression, got, err, value)
}
