package vonagetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// restRoutes are the paths of the vendor's REST API.
func (p *Platform) restRoutes(mux *http.ServeMux) {
	const session = "/v2/project/{project}/session/{session}"
	mux.HandleFunc("POST /session/create", p.rest(opCreate, p.createSession))
	mux.HandleFunc("GET "+session+"/connection", p.rest(opList, p.listConnections))
	mux.HandleFunc("DELETE "+session+"/connection/{connection}", p.rest(opDisconnect, p.forceDisconnect))
	mux.HandleFunc("POST "+session+"/connection/{connection}/signal", p.rest(opSignal, p.signal))
	mux.HandleFunc("POST "+session+"/signal", p.rest(opSignal, p.signal))
	mux.HandleFunc("GET "+session+"/stream", p.rest(opStreams, p.listStreams))
	mux.HandleFunc("GET "+session+"/stream/{stream}", p.rest("", p.showStream))
	mux.HandleFunc("POST "+session+"/stream/{stream}/mute", p.rest("", p.muteStream))
}

// rest records a request, proves the caller, checks that the path names the
// caller's own project and session, and lets a failure of that operation happen.
func (p *Platform) rest(operation string, do func(w http.ResponseWriter, r *http.Request, project string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w, done := p.calls.begin(w, r, p.millis)
		defer done()
		project, err := p.caller(r)
		if err == nil {
			err = p.judgePath(r, project)
		}
		if err != nil {
			refuseError(w, err)
			return
		}
		if x := p.faults.take(operation); x.Next != 0 {
			p.breakOn(w, r, x, func(w http.ResponseWriter) { do(w, r, project) })
			return
		}
		do(w, r, project)
	}
}

func (p *Platform) judgePath(r *http.Request, project string) error {
	if in := r.PathValue("project"); in != "" && in != project {
		return fail(http.StatusForbidden, "the path names another project than the token")
	}
	if id := r.PathValue("session"); id != "" && projectOf(id) != project {
		return fail(http.StatusNotFound, "there is no such session: "+id)
	}
	return nil
}

func (p *Platform) breakOn(w http.ResponseWriter, r *http.Request, x Failure, do func(http.ResponseWriter)) {
	if x.Applied {
		do(nowhere{http.Header{}})
	}
	if x.Hang {
		_, _ = readBody(w, r, bodyLimit) // only then the server notices a caller who gives up
		select {
		case <-r.Context().Done():
		case <-p.ctx.Done():
		}
	}
	refuse(w, x.Status, "a fault was asked for")
}

// nowhere takes an answer that nobody gets.
type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header         { return n.header }
func (n nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (n nowhere) WriteHeader(int)             {}

func (p *Platform) createSession(w http.ResponseWriter, r *http.Request, project string) {
	form, err := readForm(w, r)
	if err != nil {
		refuseError(w, err)
		return
	}
	archive, p2p := form.Get("archiveMode"), form.Get("p2p.preference")
	switch {
	case archive != "" && archive != "manual" && archive != "always":
		err = fail(http.StatusBadRequest, "archiveMode is manual or always")
	case p2p != "" && p2p != "enabled" && p2p != "disabled":
		err = fail(http.StatusBadRequest, "p2p.preference is enabled or disabled")
	case archive == "always" && p2p == "enabled":
		err = fail(http.StatusBadRequest, "only a routed session can be archived")
	}
	if err != nil {
		refuseError(w, err)
		return
	}
	id := p.create(project, orElse(archive, "manual"))
	if !strings.Contains(r.Header.Get("Accept"), "application/json") {
		w.Header().Set("Content-Type", "application/xml")
		fmt.Fprintf(w, "<sessions><Session><session_id>%s</session_id></Session></sessions>", id)
		return
	}
	answer(w, http.StatusOK, []map[string]any{{
		"session_id": id, "project_id": project, "create_dt": p.now().UTC().Format(time.RFC1123),
		"session_status": nil, "media_server_url": "",
	}})
}

// readForm reads a form-urlencoded body; an empty one needs no content type.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	raw, err := readBody(w, r, bodyLimit)
	if err != nil || len(raw) == 0 {
		return url.Values{}, err
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "application/x-www-form-urlencoded" {
		return nil, fail(http.StatusBadRequest, "the body is not form-urlencoded")
	}
	form, err := url.ParseQuery(string(raw))
	if err != nil {
		return nil, fail(http.StatusBadRequest, "the form cannot be read")
	}
	return form, nil
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func (p *Platform) forceDisconnect(w http.ResponseWriter, r *http.Request, _ string) {
	connection := r.PathValue("connection")
	if !isUUID(connection) {
		refuse(w, http.StatusBadRequest, "the connection id is malformed")
		return
	}
	finish(w, http.StatusNoContent, p.Disconnect(r.PathValue("session"), connection, ForceDisconnected))
}

func (p *Platform) signal(w http.ResponseWriter, r *http.Request, _ string) {
	var body struct{ Type, Data string }
	raw, err := readBody(w, r, bodyLimit)
	to := r.PathValue("connection")
	switch {
	case err != nil:
	case json.Unmarshal(raw, &body) != nil:
		err = fail(http.StatusBadRequest, "the body is no JSON object with the texts type and data")
	case to != "" && !isUUID(to):
		err = fail(http.StatusBadRequest, "the connection id is malformed")
	default:
		err = p.Signal(r.PathValue("session"), "", to, body.Type, body.Data)
	}
	finish(w, http.StatusNoContent, err)
}

// listed is a connection in the REST API's list. Its data is not shown.
type listed struct {
	ID        string `json:"connectionId"`
	State     string `json:"connectionState"`
	CreatedAt any    `json:"createdAt"`
}

// Bounds of a page that the vendor's SDKs know.
const (
	defaultPage = 50
	maxPage     = 1000
)

func (p *Platform) listConnections(w http.ResponseWriter, r *http.Request, project string) {
	f := p.faults.now()
	offset, err1 := number(r, "offset", 0, 0, 1<<31)
	count, err2 := number(r, "count", defaultPage, 1, maxPage)
	all, err3 := p.shown(r.PathValue("session"), f)
	if err := errors.Join(err1, err2, err3); err != nil {
		refuseError(w, err)
		return
	}
	if f.PageCap > 0 {
		count = min(count, f.PageCap)
	}
	from := min(offset, len(all))
	page := all[from:min(from+count, len(all))]
	total := len(all)
	if f.PageCounts {
		total = len(page)
	}
	answer(w, http.StatusOK, map[string]any{
		"count": total, "projectId": project, "sessionId": r.PathValue("session"), "items": page,
	})
}

// shown lists who the REST API shows in a session now, by the faults f.
func (p *Platform) shown(id string, f Faults) ([]listed, error) {
	list := []listed{}
	err := p.with(id, func(s *sessionState) error {
		now := p.millis() // with the lock held, nobody leaves later than now
		for _, c := range append(s.lingering(now-int64(f.LingerMS)), s.in...) {
			if f.AppearMS == 0 || c.CreatedAt+int64(f.AppearMS) <= now {
				list = append(list, c.listed(f.TextTimes))
			}
		}
		return nil
	})
	if err == nil && len(list) == 0 && f.Empty404 {
		err = fail(http.StatusNotFound, "nobody is in the session")
	}
	return list, err
}

// lingering are those who left after that time.
func (s *sessionState) lingering(after int64) []*peer {
	var list []*peer
	for _, c := range s.gone {
		if c.LeftAt > after {
			list = append(list, c)
		}
	}
	return list
}

func (c *peer) listed(textTime bool) listed {
	item := listed{ID: c.ID, State: "Connected", CreatedAt: c.CreatedAt}
	if textTime {
		item.CreatedAt = strconv.FormatInt(c.CreatedAt, 10)
	}
	return item
}

// number reads a number of the query within bounds.
func number(r *http.Request, name string, otherwise, least, most int) (int, error) {
	raw := r.URL.Query().Get(name)
	if raw == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(raw)
	if err != nil || n < least || n > most {
		return 0, fail(http.StatusBadRequest, fmt.Sprintf("%s is a number from %d to %d", name, least, most))
	}
	return n, nil
}

func restStream(s Stream) map[string]any {
	return map[string]any{
		"id": s.ID, "videoType": s.videoType(), "name": s.Name, "layoutClassList": []string{},
	}
}

func (p *Platform) streams(id string) (list []Stream, err error) {
	err = p.with(id, func(s *sessionState) error {
		list = s.streams()
		return nil
	})
	return list, err
}

func (p *Platform) listStreams(w http.ResponseWriter, r *http.Request, _ string) {
	f := p.faults.now()
	list, err := p.shownStreams(r.PathValue("session"), f)
	if err == nil && len(list) == 0 {
		err = fail(http.StatusNotFound, "the session has no streams")
	}
	if err != nil {
		refuseError(w, err)
		return
	}
	total := len(list)
	if f.PageCap > 0 {
		list = list[:min(total, f.PageCap)]
	}
	if f.PageCounts {
		total = len(list)
	}
	items := []map[string]any{}
	for _, s := range list {
		items = append(items, restStream(s))
	}
	answer(w, http.StatusOK, map[string]any{"count": total, "items": items})
}

// shownStreams lists the streams that the REST API shows in a session now, by the
// faults f.
func (p *Platform) shownStreams(id string, f Faults) (list []Stream, err error) {
	err = p.with(id, func(s *sessionState) error {
		now := p.millis()
		all := s.streams()
		for _, e := range s.ended {
			if e.at > now-int64(f.LingerMS) {
				all = append(all, e.Stream)
			}
		}
		for _, stream := range all {
			if f.AppearMS == 0 || stream.CreatedAt+int64(f.AppearMS) <= now {
				list = append(list, stream)
			}
		}
		return nil
	})
	return list, err
}

func (p *Platform) showStream(w http.ResponseWriter, r *http.Request, _ string) {
	list, _ := p.streams(r.PathValue("session"))
	for _, s := range list {
		if s.ID == r.PathValue("stream") {
			answer(w, http.StatusOK, restStream(s))
			return
		}
	}
	refuse(w, http.StatusNotFound, "there is no such stream in the session")
}

func (p *Platform) muteStream(w http.ResponseWriter, r *http.Request, project string) {
	if err := p.mute(r.PathValue("session"), r.PathValue("stream")); err != nil {
		refuseError(w, err)
		return
	}
	answer(w, http.StatusOK, map[string]any{"applicationId": project, "status": "ACTIVE"})
}
