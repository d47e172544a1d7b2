package socket

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/heroiclabs/nakama-common/rtapi"

	"github.com/skirmishgg/skirmish/engine/websocket"
	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/gateway"
	"github.com/skirmishgg/skirmish/services/gateway/worker"
	"github.com/skirmishgg/skirmish/services/session"
)

// Config is what a Server is made of.
type Config struct {
	Door         *gateway.Door
	Workers      *worker.Pool
	WebSocket    websocket.Config // the socket.* settings
	SingleSocket bool             // a user's new socket ends the older ones

	// Opened tells of a session before its first message is read; status: the user wants to appear online.
	// Closed tells once that it has ended, after its last call has. Both may be nil, and must not block for long.
	Opened func(c session.Conn, status bool)
	Closed func(c session.Conn)
}

// Server is the handler of /ws.
type Server struct {
	// constant after New
	c       Config
	sockets *websocket.Server
	quick   quick
	ctx     context.Context // of all calls; ends with Stop
	cancel  context.CancelFunc
}

// New starts the event loops; Stop ends them. Errors: an operation on the socket whose answer fits no envelope, which is
// a mistake in the catalogue.
func New(c Config) (*Server, error) {
	for _, e := range c.Door.Registry.Entries() {
		if name := e.Response.Descriptor().FullName(); e.Spec.RT != "" && name != emptyName && answerFields[name] == nil {
			return nil, fmt.Errorf("socket: the answer of %s, a %s, has no field in rtapi.Envelope", e.Spec.Name, name)
		}
	}
	sockets, err := websocket.New(c.WebSocket)
	if err != nil {
		return nil, err
	}
	s := &Server{c: c, sockets: sockets, quick: newQuick(c.Door.Registry)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s, nil
}

// Stop closes every connection with a close frame and waits for them until ctx is done. The workers must still run:
// they tell Config.Closed.
func (s *Server) Stop(ctx context.Context) {
	s.sockets.Stop(ctx)
	s.cancel()
}

// ServeHTTP answers the handshake. Refusals are plain text, and their order is known to clients: method, format, token,
// then whether it is an upgrade at all.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"code":5,"message":"Not Found"}`))
		return
	}
	query := r.URL.Query()
	format, ok := formats[query.Get("format")]
	if !ok {
		http.Error(w, "Invalid format parameter", http.StatusBadRequest)
		return
	}
	token, err := s.c.Door.Sessions.VerifySocket(credential(r, query.Get("token")))
	if err != nil {
		http.Error(w, "Missing or invalid token", http.StatusUnauthorized)
		return
	}
	if !websocket.IsUpgrade(r) {
		http.Error(w, "Bad Request", http.StatusBadRequest)
		return
	}
	c := s.conn(token, format, s.c.Door.ClientIP(r.RemoteAddr, r.Header["X-Forwarded-For"]), query.Get("lang"))
	c.caller.Host, c.caller.ClientPort = strings.Clone(r.Host), s.c.Door.ClientPort(r.RemoteAddr, r.Header["X-Forwarded-For"])
	status, _ := strconv.ParseBool(query.Get("status"))
	s.open(w, r, c, status)
}

var formats = map[string]codec.Format{"": codec.JSON, "json": codec.JSON, "protobuf": codec.Protobuf}

// credential is the token of the header, else of the query; a header of another scheme is no token.
func credential(r *http.Request, query string) string {
	header, ok := r.Header["Authorization"]
	if !ok || len(header) == 0 {
		return query
	}
	token, ok := strings.CutPrefix(header[0], "Bearer ")
	if !ok {
		return ""
	}
	return token
}

func (s *Server) conn(t session.Token, f codec.Format, clientIP, lang string) *conn {
	if lang == "" {
		lang = "en"
	}
	c := &conn{server: s, id: session.NewID(s.c.Door.Node), format: f, lang: strings.Clone(lang)} // the query would stay with it
	c.caller = op.Caller{
		UserID: t.UserID, Username: t.Username, Vars: t.Vars,
		Expires: t.Expires, SessionID: c.id.String(), Lang: c.lang, Node: s.c.Door.Node, ClientIP: strings.Clone(clientIP),
	}
	c.socket = s.sockets.Conn(c)
	c.line = s.c.Workers.Line(waitMax, c.socket.Resume)
	c.caller.Conn = c
	return c
}

// open enters the session as live before the client can know that it is open, so that it misses nothing.
func (s *Server) open(w http.ResponseWriter, r *http.Request, c *conn, status bool) {
	older := s.c.Door.Live.Add(c)
	if s.c.Opened != nil {
		s.c.Opened(c, status)
	}
	if err := s.sockets.Upgrade(w, r, c.socket); err != nil {
		s.c.Door.Log.Debug("socket not opened", "uid", c.caller.UserID.String(), "error", err) // Closed has been called
		return
	}
	if s.c.SingleSocket {
		session.Replace(older)
	}
}

// waitMax is how many calls of one session wait for their turn before its socket is not read any further.
const waitMax = 32

// conn is one session. It implements session.Conn for the services and websocket.Handler for its socket.
type conn struct {
	// constant once it is live
	server *Server
	socket *websocket.Conn
	line   *worker.Line
	id     id.UUID
	format codec.Format
	lang   string
	caller op.Caller

	// owned by whoever reads the socket
	game *rtapi.MatchDataSend // the newest, which the next one overwrites; nil before the first
}

func (c *conn) ID() id.UUID             { return c.id }
func (c *conn) UserID() id.UUID         { return c.caller.UserID }
func (c *conn) Username() string        { return c.caller.Username }
func (c *conn) Vars() map[string]string { return c.caller.Vars }
func (c *conn) Lang() string            { return c.lang }
func (c *conn) Close(reason string)     { c.socket.Close(websocket.CloseNormal, reason) }

// Caller is the session as one who asks, for what is told of it without a call.
func (c *conn) Caller() op.Caller { return c.caller }

// Origin implements session.Origin.
func (c *conn) Origin() (host, clientIP string) { return c.caller.Host, c.caller.ClientIP }

// Send implements session.Conn.
func (c *conn) Send(m *codec.Shared) bool {
	b, err := m.Bytes(c.format)
	if err != nil {
		c.server.c.Door.Log.Error("message not encoded", "type", fmt.Sprintf("%T", m.Message), "error", err)
		return false
	}
	return c.socket.Send(c.binary(), b)
}

func (c *conn) binary() bool { return c.format == codec.Protobuf }

// Message implements websocket.Handler.
func (c *conn) Message(_ *websocket.Conn, binary bool, data []byte) (more bool) {
	if binary != c.binary() {
		return c.line.Push(func() { c.Close("received unexpected WebSocket message type") })
	}
	if c.server.quick.maybe(c.format, data) && c.line.Idle() {
		return c.handleQuick(data)
	}
	data = bytes.Clone(data)
	return c.line.Push(func() { c.handle(data) })
}

// Closed implements websocket.Handler.
func (c *conn) Closed(_ *websocket.Conn, cause error) {
	c.server.c.Door.Live.Remove(c)
	c.server.c.Door.Log.Debug("socket closed", "uid", c.caller.UserID.String(), "sid", c.caller.SessionID, "cause", cause)
	c.line.Close(func() {
		if c.server.c.Closed != nil {
			c.server.c.Closed(c)
		}
	})
}
