package demo

import (
	"embed"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

//go:embed ui
var assets embed.FS

// Page is the HTTP side of the demo. Any goroutine may call its methods.
type Page struct {
	hub *hub
	mux *http.ServeMux
}

// NewPage makes a page that shows nothing yet.
func NewPage() *Page {
	p := &Page{hub: newHub(), mux: http.NewServeMux()}
	ui, err := fs.Sub(assets, "ui")
	if err != nil {
		panic("demo: " + err.Error()) // embedded
	}
	p.mux.Handle("GET /", http.FileServerFS(ui))
	p.mux.HandleFunc("GET /events", p.events)
	return p
}

// SetScene, SetRoster, AddFrame and AddFigures say what the page shows. Frames may be lost on the way, the rest not.
func (p *Page) SetScene(s *Scene)      { p.hub.setScene(s) }
func (p *Page) SetRoster(names []Name) { p.hub.setRoster(names) }
func (p *Page) AddFrame(f *Frame)      { p.hub.addFrame(f) }
func (p *Page) AddFigures(f Figures)   { p.hub.addFigures(f) }

// Close ends every stream; browsers say that the server has stopped and go on trying.
func (p *Page) Close() { p.hub.close() }

// ServeHTTP answers whoever is on this machine and speaks to it by a loopback name.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if problem := refusal(r); problem != "" {
		http.Error(w, problem, http.StatusForbidden)
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store") // the embedded files carry no dates, and the next build may differ
	p.mux.ServeHTTP(w, r)
}

// refusal says why r is not answered, "" if it is.
//
// A page of another site may make a browser on this machine send us requests. It cannot set Origin or Host: the first
// names the site, the second names what its address bar said, also when that name was pointed at 127.0.0.1 afterwards.
func refusal(r *http.Request) string {
	remote, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !remote.Addr().Unmap().IsLoopback() {
		return "The demo answers only on the machine it runs on."
	}
	if !isLoopbackHost(r.Host) {
		return "The demo answers only to localhost, 127.0.0.1 and [::1]."
	}
	if origin := r.Header.Get("Origin"); origin != "" && !strings.EqualFold(origin, "http://"+r.Host) {
		return "The demo does not answer other sites."
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return ""
	}
	return "The demo does not answer other sites."
}

func isLoopbackHost(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.Trim(name, "[]")
	if strings.EqualFold(name, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(name)
	return err == nil && ip.IsLoopback()
}

// writeTime is how long a browser may take for one message before it is taken for gone.
const writeTime = 5 * time.Second

func (p *Page) events(w http.ResponseWriter, r *http.Request) {
	v := p.hub.join()
	if v == nil {
		http.Error(w, "Too many pages watch already.", http.StatusServiceUnavailable)
		return
	}
	defer p.hub.leave(v)
	w.Header().Set("Content-Type", "text/event-stream")
	c := http.NewResponseController(w)
	send := func(message []byte) bool {
		if err := c.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
			return false
		}
		if _, err := w.Write(message); err != nil {
			return false
		}
		return c.Flush() == nil
	}
	if !send([]byte("retry: 1000\n\n")) {
		return
	}
	for {
		select {
		case m := <-v.messages:
			if !send(m) {
				return
			}
		case <-v.gone:
			for { // what was said before, "end" included
				select {
				case m := <-v.messages:
					if !send(m) {
						return
					}
				default:
					return
				}
			}
		case <-r.Context().Done():
			return
		}
	}
}
