// Package browsertest drives a real browser for the tests of pages: visitors who
// share no cookies, expressions that are waited for, pictures of what was seen,
// and axe-core's judgement of it. All of it has the tag verify.
package browsertest
