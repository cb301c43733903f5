package api

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"usher/pkg/problem"
)

const description = "../../docs/openapi.yaml"

var document = sync.OnceValues(func() (*openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromFile(description)
	if err != nil {
		return nil, err
	}
	openapi3filter.RegisterBodyDecoder("image/svg+xml", openapi3filter.PlainBodyDecoder)
	openapi3.DefineStringFormatValidator("date-time", openapi3.NewRegexpFormatValidator(openapi3.FormatOfStringDateTime))
	return doc, doc.Validate(openapi3.NewLoader().Context)
})

func documented(t testing.TB) *openapi3.T {
	t.Helper()
	doc, err := document()
	if err != nil {
		t.Fatalf("%s: %v", description, err)
	}
	return doc
}

// described fails the test unless the exchange is as the description says: the
// answer always, the request where it was not refused.
func described(t testing.TB, r *http.Request, body string, w *httptest.ResponseRecorder) {
	t.Helper()
	in := matched(t, r)
	if in == nil {
		if w.Code != http.StatusNotFound && w.Code != http.StatusMethodNotAllowed {
			t.Fatalf("%s %s was answered with %d, but is not in %s", r.Method, r.URL, w.Code, description)
		}
		return
	}
	r.Body = io.NopCloser(strings.NewReader(body))
	if err := openapi3filter.ValidateRequest(r.Context(), in); err != nil && w.Code < 400 {
		t.Errorf("%s %s was taken against %s: %v", r.Method, r.URL, description, err)
	}
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: w.Code, Header: w.Header(),
		Body:    io.NopCloser(bytes.NewReader(w.Body.Bytes())),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	}
	if err := openapi3filter.ValidateResponse(r.Context(), out); err != nil {
		t.Errorf("%s %s was answered with %d against %s: %v", r.Method, r.URL, w.Code, description, err)
	}
}

// matched finds the described operation of a request; nil: there is none.
func matched(t testing.TB, r *http.Request) *openapi3filter.RequestValidationInput {
	t.Helper()
	doc := documented(t)
	mux := http.NewServeMux()
	path := ""
	for known := range doc.Paths.Map() {
		pattern := strings.Replace(known, "{id}", "{id...}", 1)
		if known == "/" {
			pattern = "/{$}"
		}
		mux.HandleFunc(pattern, func(http.ResponseWriter, *http.Request) { path = known })
	}
	probe := httptest.NewRequest(http.MethodGet, r.URL.String(), nil)
	mux.ServeHTTP(httptest.NewRecorder(), probe)
	method := strings.Replace(r.Method, http.MethodHead, http.MethodGet, 1)
	item := doc.Paths.Value(path)
	if path == "" || item.GetOperation(method) == nil {
		return nil
	}
	return &openapi3filter.RequestValidationInput{
		Request:     r,
		PathParams:  map[string]string{"room": probe.PathValue("room"), "id": probe.PathValue("id")},
		QueryParams: r.URL.Query(),
		Route:       &routers.Route{Spec: doc, Path: path, PathItem: item, Method: method, Operation: item.GetOperation(method)},
		Options:     &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	}
}

func TestEveryRouteIsDescribed(t *testing.T) {
	served := []string{"POST " + WebhookPath, "GET /", "GET /room/{room}"} // the webhook and the pages are mounted beside
	for _, r := range newServer(Options{}).routes() {
		served = append(served, r.method+" "+strings.Replace(r.path, "{id...}", "{id}", 1))
	}
	var described []string
	for path, item := range documented(t).Paths.Map() {
		for method := range item.Operations() {
			described = append(described, method+" "+path)
		}
	}
	slices.Sort(served)
	slices.Sort(described)
	if !slices.Equal(served, described) {
		t.Errorf("served    %q\ndescribed %q", served, described)
	}
}

func TestEveryCodeIsDescribed(t *testing.T) {
	doc := documented(t)
	var enum []string
	for _, v := range doc.Components.Schemas["Code"].Value.Enum {
		enum = append(enum, v.(string))
	}
	var known []string
	for code := range maps.Keys(statusOf) {
		known = append(known, string(shown(code)))
	}
	slices.Sort(known)
	known = slices.Compact(known)
	if !slices.Equal(enum, known) {
		t.Errorf("described %q\nknown     %q", enum, known)
	}
	byStatus := map[int]string{}
	for _, r := range doc.Components.Responses {
		if r.Value.Content.Get("application/problem+json") != nil {
			byStatus[statusIn(t, doc, r)] = *r.Value.Description
		}
	}
	for code, status := range statusOf {
		if code == codeNotFound || code == codeMethod {
			continue // of paths and methods that are not described
		}
		if !strings.Contains(byStatus[status], "`"+string(shown(code))+"`") {
			t.Errorf("%s is %d, whose description says %q", code, status, byStatus[status])
		}
	}
}

// statusIn finds the status under which operations answer with r.
func statusIn(t *testing.T, doc *openapi3.T, r *openapi3.ResponseRef) int {
	t.Helper()
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			for status, ref := range op.Responses.Map() {
				if ref.Value == r.Value {
					n, _ := strconv.Atoi(status)
					return n
				}
			}
		}
	}
	t.Fatalf("no operation answers with %q", *r.Value.Description)
	return 0
}

// Every code that package problem or this one declares has a status, for
// without one it would be answered as a fault of ours; and there are no others.
func TestEveryCodeHasAStatus(t *testing.T) {
	declared := append(codesIn(t, "../problem"), codesIn(t, ".")...)
	slices.Sort(declared)
	if known := slices.Sorted(maps.Keys(statusOf)); !slices.Equal(declared, known) {
		t.Errorf("declared     %q\nwith a status %q", declared, known)
	}
}

// codesIn are the constants of type problem.Code in the package's folder.
func codesIn(t *testing.T, folder string) []problem.Code {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no sources in %s: %v", folder, err)
	}
	var codes []problem.Code
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok && isCode(spec.Type) {
				codes = append(codes, codeOf(t, spec))
			}
			return true
		})
	}
	return codes
}

func isCode(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name == "Code"
	case *ast.SelectorExpr:
		return e.Sel.Name == "Code"
	}
	return false
}

// codeOf is the text of a constant, which a code must be.
func codeOf(t *testing.T, spec *ast.ValueSpec) problem.Code {
	t.Helper()
	if len(spec.Values) == 1 {
		if lit, ok := spec.Values[0].(*ast.BasicLit); ok && lit.Kind == token.STRING {
			text, err := strconv.Unquote(lit.Value)
			if err == nil {
				return problem.Code(text)
			}
		}
	}
	t.Fatalf("the code %s is not declared as one text", spec.Names[0])
	return ""
}
