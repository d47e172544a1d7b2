// Package rest is the HTTP door: every HTTP rule of the catalogue, server functions under /v2/rpc, health endpoints and
// the way to the WebSocket, all on one port.
//
// The life of a request, in the order in which clients see failures: CORS, redirect of unclean paths, path and method,
// body, path and query values, credentials, the call. What each step needs to know of a rule is compiled when the
// handler is made; a request only walks those tables.
//
// Routes are matched here and not by http.ServeMux, which answers a wrong method with 405, offers HEAD wherever there
// is GET, and looks at a percent-encoded slash as part of a value: this protocol has 501, no HEAD, and a slash.
package rest

import (
	"log/slog"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/gateway"
	"github.com/skirmishgg/skirmish/services/rpc"
)

// Config is what the door is made of.
type Config struct {
	Door   *gateway.Door // its registry is sealed
	RPC    *rpc.Service
	Socket http.Handler // GET /ws; nil: there is none
	// Module is the handler that server code has for a request, nil for none; may be nil itself. It is asked where this door
	// has nothing of its own but the catalogue's routes, which it may take over.
	Module          func(*http.Request) http.Handler
	Ready           func() error // what /readyz asks: why no players should be sent here; nil: always ready
	MaxRequestBytes int          // of a body as sent; a compressed one may be inflateMax times that
	ResponseHeaders []string     // "key=value", set unless the answer has the header already

	// for Server
	ReadTimeout, WriteTimeout, IdleTimeout time.Duration
}

// Handler answers requests; any number at once. Constant after New.
type Handler struct {
	c       Config
	routes  node
	rpc     *op.Entry // of functions under /v2/rpc, which have their own rules; nil: there is none
	headers http.Header
}

// New compiles the registry's rules. A rule that names a field its request does not have is a bug and panics.
func New(c Config) *Handler {
	h := &Handler{c: c, headers: http.Header{}}
	for _, pair := range c.ResponseHeaders {
		if key, value, ok := strings.Cut(pair, "="); ok {
			h.headers[http.CanonicalHeaderKey(strings.TrimSpace(key))] = []string{strings.TrimSpace(value)}
		}
	}
	for _, e := range c.Door.Registry.Entries() {
		h.mount(e)
	}
	return h
}

// headerBytesMax is soft: net/http adds 4096 to it before it refuses.
const headerBytesMax = 5120

// Server is an HTTP server around a Handler with the configured timeouts. The caller listens, serves and shuts down.
func Server(c Config) *http.Server {
	return &http.Server{
		Handler:     New(c),
		ReadTimeout: c.ReadTimeout, WriteTimeout: c.WriteTimeout, IdleTimeout: c.IdleTimeout,
		MaxHeaderBytes: headerBytesMax,
		ErrorLog:       slog.NewLogLogger(c.Door.Log.Handler(), slog.LevelDebug), // bad clients, not trouble of ours
	}
}

// Refusals of the routes.
var (
	errNotFound = errs.New(errs.NotFound, "Not Found")
	errMethod   = errs.New(errs.Unimplemented, "Method Not Allowed")
	errPanic    = errs.New(errs.Internal, "Internal server error.")
)

const rpcPrefix = "/v2/rpc/"

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	for key, values := range h.headers {
		header[key] = values
	}
	if answered := cors(w, r); answered {
		return
	}
	if clean := cleanPath(r.URL.Path); clean != r.URL.Path {
		redirect(w, r, clean)
		return
	}
	x := newExchange(h, w, r)
	defer x.end()
	switch target := r.URL.Path; {
	case target == "/" && r.Method == http.MethodGet:
		w.WriteHeader(http.StatusOK)
	case target == "/ws" && r.Method == http.MethodGet && h.c.Socket != nil:
		h.c.Socket.ServeHTTP(w, r)
	case target == "/livez":
		x.health(nil)
	case target == "/readyz":
		x.health(h.c.Ready)
	case h.rpc != nil && strings.HasPrefix(target, rpcPrefix):
		x.function(target[len(rpcPrefix):])
	default:
		if h.c.Module != nil {
			if handler := h.c.Module(r); handler != nil {
				x.module(handler)
				return
			}
		}
		x.operation(target)
	}
}

// cleanPath removes empty and dotted segments; the slash at the end stays, it is part of the path here.
func cleanPath(p string) string {
	if p == "" {
		return "/"
	}
	if !strings.Contains(p, "//") && !strings.Contains(p, "/.") {
		return p
	}
	clean := path.Clean(p)
	if strings.HasSuffix(p, "/") && clean != "/" {
		clean += "/"
	}
	return clean
}

func redirect(w http.ResponseWriter, r *http.Request, clean string) {
	target := *r.URL
	target.Path, target.RawPath, target.Scheme, target.Host, target.User = clean, "", "", "", nil
	w.Header().Set("Location", target.String())
	w.WriteHeader(http.StatusMovedPermanently)
}

// health answers /livez and /readyz, which load balancers and orchestrators ask.
func (x *exchange) health(ready func() error) {
	if x.r.Method != http.MethodGet && x.r.Method != http.MethodHead {
		x.refuse(errMethod)
		return
	}
	if ready != nil {
		if err := ready(); err != nil {
			x.refuse(errs.New(errs.Unavailable, errs.Of(err).Message))
			return
		}
	}
	x.answer(http.StatusOK, []byte("{}"))
}
