package suite

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
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

// areas are run one after the other, those of online in a realtime session, whose user is ann.
var (
	areas  = []string{"encoding", "crypto", "signin", "account", "users", "link", "friend", "group", "notification", "chat", "storage", "wallet", "leaderboard", "tournament", "other", "sql", "purchase"}
	online = []string{}
)

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
		seen.complete(t, store, languages[language])
	})
}

// refusing are the functions that answer nothing but errors yet, as they need a service of somebody else.
var refusing = []string{}

// complete asserts that every function was called, and that it returned where it can.
func (c *calls) complete(t *testing.T, store string, l bind.Lang) {
	t.Helper()
	names := []string{}
	for _, f := range bind.Functions() {
		if name := f.NameIn(l); name != "" {
			names = append(names, name)
		}
	}
	if l == bind.Lua {
		names = append(names, "logger_debug", "logger_info", "logger_warn", "logger_error", "get_context", "get_config", "get_satori")
	} else {
		names = append(names, "getSatori")
	}
	never := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return c.called[n] })
	failed := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return c.returned[n] })
	t.Log(len(never), "never called:", never)
	_ = failed
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
