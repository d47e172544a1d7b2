package suite

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/skirmishgg/skirmish/persist/pg/migrate"
	"github.com/skirmishgg/skirmish/persist/pg/pgtest"
	"github.com/skirmishgg/skirmish/services/config"
	"github.com/skirmishgg/skirmish/services/node"
)

var postgres *pgtest.Server

func TestMain(m *testing.M) { pgtest.Main(m, &postgres) }

// server is a node with modules.
type server struct {
	*node.Node
	url string
}

const httpKey = "suite"

// start starts a server on a fresh store, "embedded" or "postgres", with the modules of a folder.
func start(t *testing.T, store, modules string, more ...string) *server {
	t.Helper()
	root, err := filepath.Abs(modules)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{
		"--socket.address=127.0.0.1", "--socket.port=0", "--console.address=127.0.0.1", "--data_dir=" + t.TempDir(), "--rate_limit.enabled=false", "--udp.shards=1",
		"--name=suite", "--socket.read_timeout_ms=60000", "--socket.write_timeout_ms=60000", "--runtime.path=" + root, "--runtime.http_key=" + httpKey, "--runtime.env=greeting=hello", "--match.label_update_interval_ms=1",
	}
	if store == "postgres" {
		address := postgres.Database(t)
		if _, err := migrate.Up(t.Context(), address, 0); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--database.address="+address)
	}
	flags, rest := config.Split(append(args, more...))
	if len(rest) > 0 {
		t.Fatalf("flags that are none: %v", rest)
	}
	settings, err := config.Load(config.Sources{Flags: flags, Generate: true})
	if err != nil {
		t.Fatal(err)
	}
	n, err := node.Start(node.Config{Settings: settings, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), KeepMaxProcs: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := n.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return &server{n, "http://" + n.HTTPAddr().String()}
}

// rpc calls a function as a server does, and must be answered.
func (s *server) rpc(t *testing.T, id, payload string) string {
	t.Helper()
	status, answer := s.post(t, "/v2/rpc/"+id+"?unwrap&http_key="+httpKey, "", payload)
	if status != http.StatusOK {
		t.Fatalf("%s: %d %s", id, status, answer)
	}
	return answer
}

// post sends a request and gives its answer. authorization may be "".
func (s *server) post(t *testing.T, path, authorization, body string) (status int, answer string) {
	t.Helper()
	return s.request(t, http.MethodPost, path, authorization, body)
}

func (s *server) get(t *testing.T, path, authorization string) (status int, answer string) {
	t.Helper()
	return s.request(t, http.MethodGet, path, authorization, "")
}

func (s *server) request(t *testing.T, method, path, authorization, body string) (status int, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	return s.send(t, r)
}

func (s *server) send(t *testing.T, r *http.Request) (status int, answer string) {
	t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// player is a user with a realtime session. Owned by the test's goroutine but for reading.
type player struct {
	t        *testing.T
	name     string
	conn     net.Conn
	calls    int
	answers  chan message // to what it asked
	pushes   chan message // what it is told unasked; closed with the connection
	UserID   string       `json:"user_id"`
	Session  string       `json:"session_id"`
	Username string       `json:"username"`
}

// message is an envelope.
type message map[string]any

// at is what is in the message under keys, one in the other; "" when there is nothing.
func (m message) at(keys ...string) any {
	var v any = map[string]any(m)
	for _, k := range keys {
		object, _ := v.(map[string]any)
		if v = object[k]; v == nil {
			return ""
		}
	}
	return v
}

// join signs a user in and opens a realtime session, whose ids it asks for.
func (s *server) join(t *testing.T, name string) *player {
	t.Helper()
	p := s.socket(t, name, s.signIn(t, name))
	if err := json.Unmarshal([]byte(p.rpc("who", "")), p); err != nil {
		t.Fatal(err)
	}
	return p
}

// socket opens a realtime session.
func (s *server) socket(t *testing.T, name, token string) *player {
	t.Helper()
	p := &player{t: t, name: name, answers: make(chan message, 1), pushes: make(chan message, 1000)}
	conn, early, _, err := ws.Dial(t.Context(), "ws"+strings.TrimPrefix(s.url, "http")+"/ws?lang=de&token="+strings.TrimPrefix(token, "Bearer "))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	p.conn = conn
	from := io.ReadWriter(conn)
	if early != nil {
		from = struct {
			io.Reader
			io.Writer
		}{io.MultiReader(early, conn), conn}
	}
	go p.read(from) // ends with the connection
	return p
}

// signIn makes a user and gives its token.
func (s *server) signIn(t *testing.T, name string) string {
	t.Helper()
	status, answer := s.post(t, "/v2/account/authenticate/custom?create=true&username="+name, "Basic ZGVmYXVsdGtleTo=", `{"id":"custom_`+name+`"}`)
	var session struct{ Token string }
	if err := json.Unmarshal([]byte(answer), &session); status != http.StatusOK || err != nil {
		t.Fatalf("%d %s %v", status, answer, err)
	}
	return session.Token
}

func (p *player) read(from io.ReadWriter) {
	defer close(p.pushes)
	for {
		raw, err := wsutil.ReadServerText(from)
		if err != nil {
			return
		}
		m := message{}
		if err := json.Unmarshal(raw, &m); err != nil {
			p.t.Error(err)
			return
		}
		if m["cid"] != nil {
			p.answers <- m
		} else {
			p.pushes <- m
		}
	}
}

// say sends a message that nobody answers.
func (p *player) say(m message) {
	p.t.Helper()
	text, err := json.Marshal(m)
	if err == nil {
		err = wsutil.WriteClientText(p.conn, text)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// ask sends a message and waits for the answer.
func (p *player) ask(m message) message {
	p.t.Helper()
	p.calls++
	m["cid"] = strconv.Itoa(p.calls)
	p.say(m)
	select {
	case answer := <-p.answers:
		return answer
	case <-time.After(patience):
		p.t.Fatalf("%v is not answered", m)
	}
	return nil
}

// rpc calls a function and must be answered.
func (p *player) rpc(id, payload string) string {
	p.t.Helper()
	answer := p.ask(message{"rpc": message{"id": id, "payload": payload}})
	if answer["rpc"] == nil {
		p.t.Fatalf("%s: %v", id, answer)
	}
	text, _ := answer.at("rpc", "payload").(string)
	return text
}

// gets waits for the next push that has a member of this name, and gives it.
func (p *player) gets(name string) message {
	p.t.Helper()
	for over := time.After(patience); ; {
		select {
		case m, ok := <-p.pushes:
			if !ok {
				p.t.Fatalf("%s is disconnected, and never got %s", p.name, name)
			}
			if m[name] != nil {
				return m
			}
		case <-over:
			p.t.Fatalf("%s got no %s", p.name, name)
		}
	}
}

// ends waits until the connection is closed.
func (p *player) ends() {
	p.t.Helper()
	for over := time.After(patience); ; {
		select {
		case _, ok := <-p.pushes:
			if !ok {
				return
			}
		case <-over:
			p.t.Fatalf("%s is still connected", p.name)
		}
	}
}

// patience is how long a test waits for what must come.
const patience = 20 * time.Second
