// Package browsertest drives a real browser for the tests of pages: visitors who
// share no cookies, and expressions that are waited for. All of it has the tag
// verify.
package browsertest
