package suite

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/skirmishgg/skirmish/services/runtime/bind"
)

// languages are those that suites are in, each in a folder of its own.
var languages = map[string]bind.Lang{"lua": bind.Lua, "js": bind.JavaScript}

// areas are those that need no session.
var areas = []string{"encoding", "crypto", "signin", "account", "users", "link", "friend", "group", "notification", "chat", "storage", "wallet", "leaderboard", "tournament", "other", "sql", "purchase"}

// each runs a test for each language on each store.
func each(t *testing.T, test func(t *testing.T, store, language string)) {
	for _, store := range []string{"embedded", "postgres"} {
		for _, language := range slices.Sorted(maps.Keys(languages)) {
			t.Run(store+"/"+language, func(t *testing.T) {
				t.Parallel()
				test(t, store, language)
			})
		}
	}
}

// calls are the functions that areas called, and those that returned without an error.
type calls struct {
	mu               sync.Mutex
	called, returned map[string]bool
}

// read takes what an area answers.
func (c *calls) read(t *testing.T, area, report string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for line := range strings.Lines(report) {
		mark, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch mark {
		case "!":
			t.Errorf("%s: %s", area, text)
		case ">":
			c.called[text] = true
		case "<":
			c.returned[text] = true
		default:
			t.Errorf("%s answers %q", area, line)
		}
	}
}

// TestEveryFunction calls every function of nk.
func TestEveryFunction(t *testing.T) {
	each(t, func(t *testing.T, store, language string) {
		s := start(t, store, language)
		seen := calls{called: map[string]bool{}, returned: map[string]bool{}}
		payloads := map[string]string{"crypto": signed(t), "sql": store, "other": echo(t)}
		for _, area := range areas {
			seen.read(t, area, s.rpc(t, "area_"+area, payloads[area]))
		}
		live(t, s, language, &seen)
		if language == "js" {
			want := `{"ctx":["env","node","version"],"name":"suite","http_key":"suite","server_key":"defaultkey"}`
			if got := s.rpc(t, "loading", ""); got != want {
				t.Errorf("InitModule had %s, want %s", got, want)
			}
		}
		seen.complete(t, store, languages[language])
	})
}

// live runs the areas that need sessions, and asserts what those are told.
func live(t *testing.T, s *server, language string, seen *calls) {
	ann, ben := s.join(t, "ann"), s.join(t, "ben")
	who, err := json.Marshal(ben)
	if err != nil {
		t.Fatal(err)
	}
	seen.read(t, "stream", ann.rpc("area_stream", string(who)))
	for _, w := range []struct {
		p    *player
		data string
	}{{ann, "to both"}, {ann, "raw"}, {ben, "to both"}, {ben, "to ben"}, {ben, "raw"}, {ben, "raw to ben"}} {
		if got := w.p.gets("stream_data").at("stream_data", "data"); got != w.data {
			t.Errorf("%s got %v, want %s", w.p.name, got, w.data)
		}
	}
	ben.ends()
	party := ann.ask(message{"party_create": message{"open": true, "max_size": 4, "label": `{"mode":"suite"}`}}).at("party", "party_id").(string)
	seen.read(t, "match", ann.rpc("area_match", party))
	diary(t, s, language, ann)
}

// diary plays a match that writes down what it gets.
func diary(t *testing.T, s *server, language string, ann *player) {
	match := s.rpc(t, "diary", "")
	wrong := ann.ask(message{"match_join": message{"match_id": match, "metadata": message{"password": "secret"}}})
	if code, text := wrong.at("error", "code"), wrong.at("error", "message"); code != 5.0 || text != "wrong password" {
		t.Errorf("joining with a wrong password: %v", wrong)
	}
	if none := ann.ask(message{"match_join": message{"match_id": match}}); none.at("error", "message") != "Match join rejected" {
		t.Errorf("joining without a password: %v", none)
	}
	enter := func(p *player) {
		t.Helper()
		if in := p.ask(message{"match_join": message{"match_id": match, "metadata": message{"password": "open"}}}); in.at("match", "match_id") != match {
			t.Fatalf("%s joins: %v", p.name, in)
		}
	}
	send := func(p *player, opCode, data string) {
		p.say(message{"match_data_send": message{"match_id": match, "op_code": opCode, "data": base64.StdEncoding.EncodeToString([]byte(data))}})
	}
	cy := s.join(t, "cy")
	enter(ann)
	enter(cy)
	send(cy, "1", "hi")
	for _, p := range []*player{ann, cy} {
		want := []string{"1 to all ", "4  ", "5 at the end "}
		if p == cy {
			sender := cy.Username
			if language == "js" {
				sender = cy.Session // as JavaScript's broadcasts have always named senders
			}
			want = []string{"1 to all ", "2 to the sender " + sender, "4  ", "5 at the end "}
		}
		for _, w := range want {
			m := p.gets("match_data")
			data, _ := base64.StdEncoding.DecodeString(m.at("match_data", "data").(string))
			if got := fmt.Sprint(m.at("match_data", "op_code"), " ", string(data), " ", m.at("match_data", "presence", "username")); got != w {
				t.Errorf("%s got %q, want %q", p.name, got, w)
			}
		}
	}
	send(cy, "2", "")
	send(cy, "4", "")
	send(cy, "3", "kick me")
	if gone := ann.gets("match_presence_event"); gone.at("match_presence_event", "leaves") == "" {
		t.Errorf("after the kick ann is told %v", gone)
	}
	var read struct{ Lines []string }
	if err := json.Unmarshal([]byte(s.rpc(t, "diary_read", match)), &read); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(read.Lines, "\n"); got != strings.TrimSpace(written) {
		t.Errorf("the match wrote down\n%s\nwant%s", got, written)
	}
	send(ann, "9", "")
	ann.ends() // a match that fails disconnects who is in it
}

// written is what the match of diary is to write down.
const written = `
init hello 2 match suite true true
attempt ann true secret ann true 10
attempt ann true nil ann true 10
attempt ann true open ann true 10
join ann(0) true
attempt cy true open cy true 10
join cy(0) true
message cy 1 hi false true {"kind":"diary","open":true}
sender false expects presence to have a valid user_id, session_id, and username
message cy 2 nil false true {"kind":"diary","open":true}
label false error updating match label: match label too long, must be 0-2048 bytes
message cy 4 nil false true {"kind":"diary","open":true}
deferred 129 error deferring message broadcast: too many deferred message broadcasts per tick
message cy 3 kick me false true {"kind":"diary","open":true}
leave cy(3)
`

// refusing are the functions, in Lua's names, that answer nothing but errors: they need the service of somebody else.
var refusing = map[string]bool{
	"authenticate_apple": true, "authenticate_facebook": true, "authenticate_facebook_instant_game": true, "authenticate_game_center": true,
	"authenticate_google": true, "authenticate_steam": true, "link_apple": true, "link_facebook": true, "link_facebook_instant_game": true,
	"link_gamecenter": true, "link_google": true, "link_steam": true, "storage_index_list": true,
	"purchase_validate_apple": true, "purchase_validate_google": true, "purchase_validate_huawei": true, "purchase_validate_facebook_instant": true,
	"purchase_validate_samsung": true, "purchase_get_by_transaction_id": true, "purchases_list": true, "subscription_validate_apple": true,
	"subscription_validate_google": true, "subscription_get_by_product_id": true, "subscriptions_list": true,
}

// complete asserts that every function was called, and that it returned where it can.
func (c *calls) complete(t *testing.T, store string, l bind.Lang) {
	t.Helper()
	own := []string{"getSatori"}
	if l == bind.Lua {
		own = []string{"logger_debug", "logger_info", "logger_warn", "logger_error", "get_context", "get_config", "get_satori"}
	}
	for _, name := range own {
		if !c.returned[name] {
			t.Errorf("%s never returned", name)
		}
	}
	for _, f := range bind.Functions() {
		name, known := f.NameIn(l), f.NameIn(bind.Lua)
		sql := store == "embedded" && (known == "sql_exec" || known == "sql_query")
		switch {
		case name == "":
		case !c.called[name]:
			t.Errorf("%s was not called", name)
		case c.returned[name] == (refusing[known] || sql):
			t.Errorf("%s returned: %v", name, c.returned[name])
		}
	}
}

// signed is a private key and what it makes of "test".
func signed(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("test"))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	return fmt.Sprintf("%s%s", text, hex.EncodeToString(signature))
}

// echo is the address of a server that answers with what it was asked, and a header twice.
func echo(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header()["X-Twice"] = []string{"one", "two"}
		w.WriteHeader(http.StatusAccepted)
		_, _ = fmt.Fprint(w, r.Method, " ", r.Header.Get("X-Ask"), " ", string(body))
	}))
	t.Cleanup(s.Close)
	return s.URL
}
