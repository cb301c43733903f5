package local

import "net/http"

func (l *Local) pages() http.Handler { return nil }
