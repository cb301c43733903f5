package local

import (
	"net/http"

	"usher/pkg/web"
)

// vendorScript is what pages load where people meet at Vonage.
const vendorScript = "https://static.opentok.com/v2/js/opentok.min.js"

func (l *Local) pages() http.Handler {
	script := vendorScript
	if l.simulator != nil {
		script = simulatorPath + "/opentok.js"
	}
	return web.New(web.Options{Service: l.service, ScriptURL: script, Log: l.log})
}
