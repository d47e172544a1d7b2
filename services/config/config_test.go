package config

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// load reads what a test gives, in a data folder of its own: flags are words, env is KEY=VALUE, a file is its text.
type load struct {
	t        *testing.T
	dir      string
	args     []string
	env      []string
	generate bool
}

func from(t *testing.T) *load {
	t.Helper()
	return &load{t: t, dir: t.TempDir()}
}

func (l *load) file(text string) *load {
	l.t.Helper()
	path := filepath.Join(l.dir, fmt.Sprintf("f%d.yml", len(l.args)))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		l.t.Fatal(err)
	}
	return l.flags("--config", path)
}

func (l *load) flags(args ...string) *load { l.args = append(l.args, args...); return l }
func (l *load) vars(env ...string) *load   { l.env = append(l.env, env...); return l }

func (l *load) load() (*Config, error) {
	fl, rest := Split(append([]string{"--data_dir", filepath.Join(l.dir, "data")}, l.args...))
	if len(rest) > 0 {
		l.t.Fatalf("not taken as settings: %q", rest)
	}
	return Load(Sources{Flags: fl, Env: l.env, Generate: l.generate})
}

func (l *load) good() *Config {
	l.t.Helper()
	c, err := l.load()
	if err != nil {
		l.t.Fatal(err)
	}
	return c
}

// bad wants these problems, as "key: text", and no others.
func (l *load) bad(want ...string) {
	l.t.Helper()
	_, err := l.load()
	ps, _ := AsProblems(err)
	var got []string
	for _, p := range ps {
		got = append(got, p.Key+": "+p.Text)
	}
	if !slices.Equal(got, want) {
		l.t.Errorf("problems\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// TestDefaults holds the defaults against the table of the reference, which is written out here a second time.
func TestDefaults(t *testing.T) {
	c := from(t).good()
	want := map[string]string{
		"name": "nakama", "shutdown_grace_sec": "0", "limit": "-1", "logger.level": "info", "logger.stdout": "true",
		"logger.max_size": "100", "metrics.reporting_freq_sec": "60", "metrics.prometheus_port": "0", "metrics.prefix": "nakama",
		"metrics.custom_prefix": "custom", "metrics.custom_scope_limit": "10000", "session.token_expiry_sec": "60",
		"session.refresh_token_expiry_sec": "3600", "session.single_socket": "false", "socket.server_key": "defaultkey",
		"socket.port": "7350", "socket.address": "", "socket.protocol": "tcp", "socket.max_message_size_bytes": "4096",
		"socket.max_request_size_bytes": "262144", "socket.read_timeout_ms": "10000", "socket.idle_timeout_ms": "60000",
		"socket.write_wait_ms": "5000", "socket.close_ack_wait_ms": "2000", "socket.pong_wait_ms": "25000",
		"socket.ping_period_ms": "15000", "socket.ping_backoff_threshold": "20", "socket.outgoing_queue_size": "64",
		"socket.proxy_count": "1", "database.address": "", "database.conn_max_lifetime_ms": "3600000",
		"database.max_open_conns": "100", "database.dns_scan_interval_sec": "60", "runtime.lua_min_count": "16",
		"runtime.lua_max_count": "48", "runtime.js_max_count": "32", "runtime.lua_call_stack_size": "128",
		"runtime.lua_registry_size": "512", "runtime.event_queue_size": "65536", "runtime.event_queue_workers": "8",
		"match.input_queue_size": "128", "match.signal_queue_size": "10", "match.join_marker_deadline_ms": "15000",
		"tracker.event_queue_size": "1024", "console.port": "7351", "console.max_message_size_bytes": "4194304",
		"console.username": "admin", "console.token_expiry_sec": "86400", "leaderboard.callback_queue_size": "65536",
		"matchmaker.max_tickets": "3", "matchmaker.interval_sec": "15", "matchmaker.max_intervals": "2",
		"satori.cache_mode": "context", "satori.cache_ttl_sec": "300", "satori.http_timeout_ms": "10000",
		"party.label_update_interval_ms": "1000", "party.idle_check_interval_ms": "30000", "udp.port": "7350", "udp.driver": "auto",
		"rate_limit.enabled": "true", "lan.enabled": "false",
	}
	for path, value := range want {
		k, ok := Find(path)
		if !ok {
			t.Errorf("%s: no such setting", path)
		} else if got := strings.Join(c.Values(k), " "); got != value {
			t.Errorf("%s is %q, want %q", path, got, value)
		}
	}
	if c.GRPCPort() != 7349 || c.ConsoleGRPCPort() != 7348 || c.Runtime.Path != filepath.Join(c.DataDir, "modules") || !c.Embedded() {
		t.Error("derived values are wrong")
	}
}

// TestTags looks for tags that contradict each other, which no compiler finds.
func TestTags(t *testing.T) {
	envs := map[string]string{}
	for _, k := range Keys() {
		if k.Doc == "" || !strings.HasSuffix(strings.TrimSuffix(k.Doc, "\""), ".") {
			t.Errorf("%s: doc %q is no sentence", k.Path, k.Doc)
		}
		for _, name := range []string{k.Env(), k.Env() + "_FILE"} {
			if other, twice := envs[name]; twice {
				t.Errorf("%s and %s are both %s", other, k.Path, name)
			}
			envs[name] = k.Path
		}
		if k.Kind == Int || k.Kind == Bool {
			if err := new(Config).set(k, k.Default); err != nil {
				t.Errorf("%s: default %v", k.Path, err)
			}
		}
		if k.Old != "" {
			if _, ok := Find(replacement(k)); !ok {
				t.Errorf("%s: old names %s, which is none", k.Path, replacement(k))
			}
		}
	}
	if len(keys) < 140 {
		t.Errorf("%d settings", len(keys))
	}
}

func TestPrecedence(t *testing.T) {
	f := func(l *load, want int, source string) {
		t.Helper()
		c := l.good()
		if got := c.Socket.Port; got != want || !strings.HasSuffix(c.Origin("socket.port").String(), source) {
			t.Errorf("%d from %v, want %d from %s", got, c.Origin("socket.port"), want, source)
		}
	}
	const a, b = "name: one\nsocket:\n  port: 7001\n", "socket: {port: 7002}"
	f(from(t), 7350, "default")
	f(from(t).file(a), 7001, "f0.yml:3")
	f(from(t).file(a).file(b), 7002, "f2.yml:1")
	f(from(t).file(b).file(a), 7001, "f2.yml:3")
	f(from(t).file(a).vars("SKIRMISH_SOCKET_PORT=7003"), 7003, "SKIRMISH_SOCKET_PORT")
	f(from(t).file(a).vars("SKIRMISH_SOCKET_PORT="), 7001, "f0.yml:3") // empty is not there
	f(from(t).vars("SKIRMISH_SOCKET_PORT=7003").flags("--socket.port=7004"), 7004, "--socket.port")
	f(from(t).flags("--socket.port=7004", "--socket.port", "7005"), 7005, "--socket.port")
	f(from(t).file("socket:\n  port: ~\n"), 7350, "default")
	f(from(t).file("socket:\n"), 7350, "default")
	f(from(t).file("socket.port: 7006"), 7006, "f0.yml:1")
	f(from(t).file("# nothing"), 7350, "default")
}

func TestForms(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte("from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := func(l *load, want ...string) {
		t.Helper()
		c := l.good()
		for _, w := range want {
			path, value, _ := strings.Cut(w, "=")
			k, _ := Find(path)
			if got := strings.Join(c.Values(k), "|"); got != value {
				t.Errorf("%s is %q, want %q", path, got, value)
			}
		}
	}
	// flags
	f(from(t).flags("-name", "one", "--logger.level=WARN", "--data-dir", "x"), "name=one", "logger.level=warn")
	f(from(t).flags("--session.single_socket", "--session.single_match=true", "--logger.stdout", "false"),
		"session.single_socket=true", "session.single_match=true", "logger.stdout=false")
	f(from(t).flags("--limit", "-1", "--runtime.http_key", "--dashes"), "limit=-1", "runtime.http_key=--dashes")
	f(from(t).flags("--runtime.env", "A=1,2", "--runtime.env=B=x=y"), "runtime.env=A=1,2|B=x=y")
	f(from(t).flags("--udp.public_addresses", "a:1,b:2", "--udp.public_addresses", "c:3"), "udp.public_addresses=a:1|b:2|c:3")
	f(from(t).flags("--database.address", "u@h1,h2/db"), "database.address=u@h1,h2/db")
	// environment
	f(from(t).vars("SKIRMISH_RUNTIME_HTTP_KEY_FILE="+path), "runtime.http_key=from a file")
	f(from(t).vars("SKIRMISH_SESSION_SINGLE_SOCKET=yes", "SKIRMISH_UDP_PUBLIC_ADDRESSES=a:1, b:2"), "session.single_socket=true", "udp.public_addresses=a:1|b:2")
	f(from(t).vars("SKIRMISH_RUNTIME_ENV=A=1,2\nB=3"), "runtime.env=A=1,2|B=3")
	f(from(t).vars(`SKIRMISH_RUNTIME_ENV=["A=1\n2","B=3"]`), "runtime.env=A=1\n2|B=3")
	// files
	f(from(t).file("session: {single_socket: yes, single_party: on}\nsocket: {port: 0x1b59}"), "session.single_socket=true", "session.single_party=true", "socket.port=7001")
	f(from(t).file("runtime: {env: [A=1, B=2]}\n").file("runtime:\n  env:\n  - A=3\n  - C=4\n"), "runtime.env=A=3|B=2|C=4")
	f(from(t).file("runtime: {env: [A=1, B=2]}\n").flags("--runtime.env", "B=5"), "runtime.env=A=1|B=5")
	f(from(t).file("leaderboard: {blacklist_rank_cache: [a, b]}").file("leaderboard: {blacklist_rank_cache: [c]}"), "leaderboard.blacklist_rank_cache=c")
	f(from(t).file("runtime.env: A=1"), "runtime.env=A=1")
	f(from(t).file("name: 42\nsocket: &s {port: 7001, proxy_count: 3}\nconsole:\n  <<: {port: 7005}\n  username: root"), "name=42", "console.port=7005", "console.username=root")
	f(from(t).file("console:\n  <<: {port: 7005}\n  port: 7006\n"), "console.port=7006")
	f(from(t).vars("SKIRMISH_CONSOLE_PORT=tcp://10.0.0.7:7351"), "console.port=7351") // Kubernetes
	// older names
	f(from(t).file("runtime: {min_count: 2, max_count: 9, lua_max_count: 12, read_only_globals: false}"),
		"runtime.lua_min_count=2", "runtime.lua_max_count=12", "runtime.lua_read_only_globals=false")
	f(from(t).file("satori: {cache_enabled: false}"), "satori.cache_disabled=true")
	f(from(t).flags("--lan.enabled", "--socket.address=[::1]"), "udp.shards=1", "socket.address=::1", "udp.address=::1")
}

// TestConfigVariable names files in the environment; flags replace them.
func TestConfigVariable(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a.yml": "name: a", "b.yml": "socket: {port: 7001}", "c.yml": "name: c\nconfig: [d.yml]"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := "SKIRMISH_CONFIG=" + filepath.Join(dir, "a.yml") + "," + filepath.Join(dir, "b.yml")
	if c := from(t).vars(env).good(); c.Name != "a" || c.Socket.Port != 7001 {
		t.Error(c.Name, c.Socket.Port)
	}
	c := from(t).vars(env).flags("--config", filepath.Join(dir, "c.yml")).good()
	if c.Name != "c" || c.Socket.Port != 7350 {
		t.Error(c.Name, c.Socket.Port)
	}
	if w := c.Warnings; !slices.ContainsFunc(w, func(p Problem) bool { return p.Key == "config" }) {
		t.Errorf("no word about a file that names files: %v", w)
	}
}

// TestProblems is every rule, with the sentence that users of Nakama know where there is one.
func TestProblems(t *testing.T) {
	f := func(text string, want ...string) { t.Helper(); from(t).file(text).bad(want...) }
	f(`name: ""`, "name: Name must be 1-16 characters")
	f("name: "+strings.Repeat("x", 17), "name: Name must be 1-16 characters")
	f("shutdown_grace_sec: -1", "shutdown_grace_sec: Shutdown grace period must be >= 0")
	f("limit: -2", "limit: must be >= -1, not -2")
	f("logger: {level: loud}", "logger.level: Logger level invalid, must be one of: DEBUG, INFO, WARN, or ERROR")
	f("logger: {format: xml}", `logger.format: must be one of: auto, json, stackdriver, text; not "xml"`)
	f("logger: {rotation: true}", "logger.rotation: Rotating log file is enabled but log file name is empty")
	f("socket: {server_key: ''}", "socket.server_key: Server key must be set")
	f("session: {encryption_key: ''}", "session.encryption_key: Encryption key must be set")
	f("session: {refresh_encryption_key: ''}", "session.refresh_encryption_key: Refresh encryption key must be set")
	f("session: {encryption_key: a, refresh_encryption_key: a}", "session.encryption_key: Encryption key and refresh token encryption cannot match")
	f("session: {token_expiry_sec: 0}", "session.token_expiry_sec: must be >= 1, not 0")
	f("session: {single_match: true}", "session.single_match: Single match cannot be enabled without single socket")
	f("session: {single_party: true}", "session.single_party: Single party cannot be enabled without single socket")
	f("runtime: {http_key: ''}", "runtime.http_key: Runtime HTTP key must be set")
	f("runtime: {env: [novalue]}", "runtime.env: Invalid runtime environment value.")
	f("runtime: {lua_min_count: 49}", "runtime.lua_min_count: must be <= runtime.lua_max_count")
	f("runtime: {js_min_count: 40, js_max_count: 30}", "runtime.js_min_count: must be <= runtime.js_max_count")
	f("runtime: {lua_registry_size: 127}", "runtime.lua_registry_size: must be >= 128, not 127")
	f("runtime: {js_entrypoint: nothing.js}", "runtime.js_entrypoint: JavaScript entrypoint must be a valid path")
	f("console: {username: ''}", "console.username: Console username must be set and valid")
	f("console: {username: 'a:b'}", "console.username: Console username must be set and valid")
	f("console: {username: '-ab'}", "console.username: Console username must be set and valid")
	f("console: {password: ''}", "console.password: Console password must be set")
	f("console: {signing_key: ''}", "console.signing_key: Console signing key must be set")
	f("socket: {protocol: udp}", "socket.protocol: Socket protocol must be one of: tcp, tcp4, tcp6")
	f("socket: {ping_period_ms: 25000}", "socket.ping_period_ms: Ping period value must be less than pong wait value")
	f("socket: {ssl_certificate: x}", "socket.ssl_certificate: SSL configuration invalid, specify both socket.ssl_certificate and socket.ssl_private_key")
	f("socket: {response_headers: [X-A]}", "socket.response_headers: Response headers must be of the form key=value")
	f("socket: {response_headers: ['X A=b']}", "socket.response_headers: Response headers must be of the form key=value")
	f("socket: {address: '127.0.0.1:80'}", `socket.address: must be an IP address or a name, without a port, not "127.0.0.1:80"`, `udp.address: must be an IP address or a name, without a port, not "127.0.0.1:80"`)
	f("socket: {port: 65536}", "socket.port: must be <= 65535, not 65536", "udp.port: must be <= 65535, not 65536")
	f("socket: {port: 7351}", "console.port: the console would be on port 7351, where REST and WebSocket is")
	f("socket: {port: 7349}", "console.port: the console's gRPC would be on port 7348, where gRPC is")
	f("console: {port: 2}", "console.port: leaves no port for the console's gRPC, which would be -1")
	f("metrics: {prometheus_port: 7350}", "metrics.prometheus_port: metrics would be on port 7350, where REST and WebSocket is")
	f("database: {address: []}", "database.address: At least one database address must be specified")
	f("database: {address: ['']}", "database.address: At least one database address must be specified")
	f("database: {address: ['mysql://a@b']}", "database.address: Bad database connection URL")
	f("database: {address: ['a@b:port']}", "database.address: Bad database connection URL")
	f("database: {dns_scan_interval_sec: 0}", "database.dns_scan_interval_sec: must be >= 1, not 0")
	f("matchmaker: {max_tickets: 0, interval_sec: 0, max_intervals: 0, rev_threshold: -1}", "matchmaker.max_tickets: must be >= 1, not 0",
		"matchmaker.interval_sec: must be >= 1, not 0", "matchmaker.max_intervals: must be >= 1, not 0", "matchmaker.rev_threshold: must be >= 0, not -1")
	f("google_auth: {credentials_json: '{'}", "google_auth.credentials_json: Google credentials must be JSON")
	f("satori: {api_key_name: a, api_key: b, signing_key: c}", "satori.url: Satori configuration incomplete: url not set")
	f("satori: {url: 'https://x'}", "satori.api_key_name: Satori configuration incomplete: api_key_name not set",
		"satori.api_key: Satori configuration incomplete: api_key not set", "satori.signing_key: Satori configuration incomplete: signing_key not set")
	f("satori: {url: x, api_key_name: a, api_key: b, signing_key: c}", "satori.url: must be an http or https address")
	f("satori: {retry_count: 4}", "satori.retry_count: must be <= 3, not 4")
	f("satori: {cache_mode: never}", `satori.cache_mode: must be one of: context, time; not "never"`)
	f("mfa: {storage_encryption_key: short}", "mfa.storage_encryption_key: MFA encryption key has to be 32 bits long")
	f("mfa: {storage_encryption_key: ''}")
	f("udp: {driver: windows}", `udp.driver: must be one of: auto, linux, portable; not "windows"`)
	f("udp: {shards: 255}", "udp.shards: must be <= 254, not 255")
	f("udp: {public_addresses: ['game.example:0']}", `udp.public_addresses: must be host:port or host, not "game.example:0"`)
	f("udp: {public_addresses: ['0.0.0.0:7350']}", "udp.public_addresses: 0.0.0.0:7350 is every interface, which nobody can connect to")
	f("udp: {public_addresses: [game.example, 'game.example:7350', '203.0.113.7', '[2001:db8::1]:7350', '2001:db8::1', '[2001:db8::2]']}")
	// what is written wrongly
	f("socket: {port: many}", `socket.port: must be a whole number, not "many"`)
	f("session: {single_socket: maybe}", `session.single_socket: must be true or false, not "maybe"`)
	f("socket: {port: [1, 2]}", "socket.port: must be one value, not a list")
	f("socket: {port: {a: 1}}", "socket.port: is a setting, not a section")
	f("runtime: {env: [[a]]}", "runtime.env: must be a list of plain values")
	f("socket: 7350", `socket: must be settings, "key: value", one a line`)
	f("socket: {port: 7001}\nsocket.port: 7002", "socket.port: is there twice, on line 1 as well")
	f("- a", `: must be settings, "key: value", one a line`)
	f("name: a\n---\nname: b", ": holds more than one YAML document")
	// all of them at once
	f("name: ''\nsocket: {server_key: '', port: many}\nsesion: {}",
		"sesion: there is no such setting", `socket.port: must be a whole number, not "many"`, "name: Name must be 1-16 characters", "socket.server_key: Server key must be set")
}

func TestProblemsOfFlagsAndVariables(t *testing.T) {
	from(t).flags("--socket.prot=1", "--name", "ok").bad("socket.prot: there is no such setting")
	from(t).flags("--socket.prot", "1", "--name", "ok").bad("socket.prot: there is no such setting")
	from(t).flags("--socket.port").bad("socket.port: needs a value: --socket.port=…")
	from(t).flags("--database.address", "").bad("database.address: At least one database address must be specified")
	from(t).flags("--config", "/nothing/there.yml").bad("config: stat /nothing/there.yml: no such file or directory")
	from(t).vars("SKIRMISH_NAME=a", "SKIRMISH_NAME_FILE=b").bad("name: SKIRMISH_NAME and SKIRMISH_NAME_FILE are both set: one of them")
	from(t).vars("SKIRMISH_NAME_FILE=/nothing/there").bad("name: stat /nothing/there: no such file or directory")
}

// TestUnknownKey names the setting that was probably meant, in the spelling of the place.
func TestUnknownKey(t *testing.T) {
	f := func(l *load, want string) {
		t.Helper()
		_, err := l.load()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\ndoes not say %q", err, want)
		}
	}
	f(from(t).file("socket: {prot: 1}"), "f0.yml:1): there is no such setting. Did you mean socket.port?")
	f(from(t).file("port: 1"), "Did you mean socket.port?")
	f(from(t).file("http_key: 1"), "Did you mean runtime.http_key?")
	f(from(t).file("sessions:\n  token_expiry_sec: 1"), "Did you mean session?")
	f(from(t).file("data_dri: x"), "Did you mean data_dir?")
	f(from(t).flags("--database.adress=x"), "Did you mean --database.address?")
	f(from(t).flags("--socket.keepalive=x"), "Did you mean --socket.")
	f(from(t).flags("--iap.apple=x"), "iap.apple (--iap.apple): is a section, not a setting. It has shared_password, notifications_endpoint_id")
	c := from(t).vars("SKIRMISH_SESION_TOKEN_EXPIRY_SEC=1", "SKIRMISH_SERVICE_HOST=10.0.0.1").good()
	if got := fmt.Sprint(c.Warnings); !strings.Contains(got, "Did you mean SKIRMISH_SESSION_TOKEN_EXPIRY_SEC?") || strings.Contains(got, "SERVICE_HOST") {
		t.Error(got)
	}
}

func TestWarnings(t *testing.T) {
	f := func(text string, want ...string) {
		t.Helper()
		c, _ := from(t).file(text).load()
		var got []string
		for _, p := range c.Warnings {
			if p.Key != "console.username" && p.Key != "socket.server_key" { // in every default configuration
				got = append(got, p.Key+": "+p.Text)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q warns\n  %s\nwant\n  %s", text, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
		}
	}
	const insecure, deprecated = ": WARNING: insecure default parameter value, change this for production!", ": WARNING: deprecated configuration parameter"
	f("")
	f("console: {password: password, signing_key: defaultsigningkey}", "console.password"+insecure, "console.signing_key"+insecure)
	f("session: {encryption_key: defaultencryptionkey, refresh_encryption_key: defaultrefreshencryptionkey}", "session.encryption_key"+insecure, "session.refresh_encryption_key"+insecure)
	f("runtime: {http_key: defaulthttpkey, min_count: 1}", "runtime.http_key"+insecure, "runtime.min_count"+deprecated)
	f("runtime: {read_only_globals: false}", "runtime.read_only_globals"+deprecated)
	f("runtime: {read_only_globals: true}")
	f("limit: 3", "limit: only the command migrate takes a limit; it is ignored")
	f("udp: {public_addresses: ['127.0.0.1:7350']}", "udp.public_addresses: players on other machines are told to connect to 127.0.0.1:7350, which is this machine only")
	f("udp: {public_addresses: ['localhost:7350']}\nsocket: {address: localhost}")
	f("udp: {address: 127.0.0.1}", "udp.address: UDP listens on this machine only, while the API is open to others: their matches cannot be reached")

	c := from(t).good()
	if len(c.Warnings) != 2 || c.Warnings[0].Key != "socket.server_key" || c.Warnings[1].Key != "console.username" {
		t.Errorf("the defaults warn %v", c.Warnings)
	}
}

// TestSecrets makes the secrets once, keeps them private, and makes only what is missing.
func TestSecrets(t *testing.T) {
	l := from(t)
	l.generate = true
	first := l.good()
	want := []string{"session.encryption_key", "session.refresh_encryption_key", "runtime.http_key", "console.password", "console.signing_key", "mfa.storage_encryption_key"}
	if !slices.Equal(first.Generated, want) {
		t.Errorf("made %v", first.Generated)
	}
	if len(first.MFA.StorageEncryptionKey) != 32 || len(first.Console.Password) != 20 || first.Session.EncryptionKey == first.Session.RefreshEncryptionKey {
		t.Error("secrets are not as they should be")
	}
	info, err := os.Stat(first.SecretsFile())
	if err != nil || (runtime.GOOS != "windows" && info.Mode().Perm() != 0o600) {
		t.Fatal(info.Mode(), err)
	}
	second := l.good()
	if len(second.Generated) > 0 || second.Session != first.Session || second.Console != first.Console || second.MFA != first.MFA || second.Runtime.HTTPKey != first.Runtime.HTTPKey {
		t.Error("the second start has other secrets")
	}
	if got := second.Origin("console.password"); got.Kind != FromSecrets || got.Name != second.SecretsFile() {
		t.Error(got)
	}

	// One is taken away, one is given: the other five stay, and what is given is not written down.
	text, err := os.ReadFile(first.SecretsFile())
	if err != nil {
		t.Fatal(err)
	}
	var fewer []byte
	for line := range bytes.Lines(text) {
		if !bytes.HasPrefix(line, []byte("console.signing_key")) {
			fewer = append(fewer, line...)
		}
	}
	if err := os.WriteFile(first.SecretsFile(), fewer, 0o600); err != nil {
		t.Fatal(err)
	}
	third := l.flags("--console.password=given to you").good()
	if !slices.Equal(third.Generated, []string{"console.signing_key"}) || third.Console.Password != "given to you" || third.Session != first.Session {
		t.Error(third.Generated, third.Console)
	}
	if text, err := os.ReadFile(first.SecretsFile()); err != nil || bytes.Contains(text, []byte("given to you")) || !bytes.HasPrefix(text, []byte("# ")) {
		t.Errorf("%s %v", text, err)
	}
	if left, _ := filepath.Glob(filepath.Join(first.DataDir, ".new-*")); len(left) > 0 {
		t.Error("temporary files are left:", left)
	}
}

func TestSecretsRefused(t *testing.T) {
	l := from(t)
	l.generate = true
	c := l.good()
	if runtime.GOOS != "windows" {
		if err := os.Chmod(c.SecretsFile(), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := l.load(); err == nil || !strings.Contains(err.Error(), "others can read") {
			t.Error(err)
		}
	}
	if err := os.Chmod(c.SecretsFile(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.SecretsFile(), []byte("name: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l.bad("name: is no generated secret: it belongs in a file that --config names")

	// Without Generate nothing is written.
	look := from(t)
	if c := look.good(); c.Session.EncryptionKey != "" {
		t.Error("a secret out of nowhere")
	}
	if _, err := os.Stat(filepath.Join(look.dir, "data")); !os.IsNotExist(err) {
		t.Error("a look has written:", err)
	}
	// With problems neither.
	wrong := from(t).flags("--name=")
	wrong.generate = true
	wrong.bad("name: Name must be 1-16 characters")
	if _, err := os.Stat(filepath.Join(wrong.dir, "data")); !os.IsNotExist(err) {
		t.Error("a start that is refused has written:", err)
	}
	// A folder that cannot be.
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	blocked := from(t).flags("--data_dir", filepath.Join(file, "data"))
	blocked.generate = true
	if _, err := blocked.load(); err == nil || !strings.Contains(err.Error(), "Make data_dir writable") {
		t.Error(err)
	}
}

// TestPublishedSecrets are refused where others can reach the server, and only there.
func TestPublishedSecrets(t *testing.T) {
	const all = `
session: {encryption_key: defaultencryptionkey, refresh_encryption_key: defaultrefreshencryptionkey}
runtime: {http_key: defaulthttpkey}
console: {password: password, signing_key: defaultsigningkey}
mfa: {storage_encryption_key: the-key-has-to-be-32-bytes-long!}
`
	f := func(l *load, want ...string) {
		t.Helper()
		_, err := l.load()
		if len(want) == 0 {
			if err != nil {
				t.Error(err)
			}
			return
		}
		ps, _ := AsProblems(err)
		if len(ps) != 1 {
			t.Fatalf("%d problems: %v", len(ps), err)
		}
		if n := strings.Count(ps[0].Text, "f0.yml:"); n != len(want) {
			t.Errorf("%d keys are named, want %d: %v", n, len(want), ps[0])
		}
		for _, w := range append(want, "Leave them out", "socket.address") {
			if !strings.Contains(ps[0].String(), w) {
				t.Errorf("%v\ndoes not say %q", ps[0], w)
			}
		}
	}
	f(from(t).file(all), "session.encryption_key", "session.refresh_encryption_key", "runtime.http_key", "console.password", "console.signing_key", "mfa.storage_encryption_key")
	f(from(t).file(all).flags("--socket.address=127.0.0.1", "--console.address", "::1"))
	f(from(t).file(all).flags("--socket.address=localhost"), "console.password", "console.signing_key", "mfa.storage_encryption_key")
	f(from(t).file(all).flags("--console.address=127.0.0.2"), "session.encryption_key", "session.refresh_encryption_key", "runtime.http_key")
	f(from(t).file(all).flags("--console.address=127.0.0.2", "--socket.address=127.0.0.1", "--udp.address=0.0.0.0"), "session.encryption_key", "session.refresh_encryption_key")
	f(from(t).file("socket: {server_key: defaultkey}\nconsole: {username: admin}"))
}

// TestPrint prints no secret, and what Load reads again.
func TestPrint(t *testing.T) {
	l := from(t).file("name: one\nruntime: {env: ['TOKEN=hush1']}\nsocket:\n  response_headers: [\"a=b: c\"]").
		flags("--database.address", "joe:hush2@db:5432/game?password=hush3", "--console.password=hush4", "--satori.server_key=hush5").
		vars("SKIRMISH_IAP_GOOGLE_PRIVATE_KEY=hush6")
	l.generate = true
	c := l.good()
	var all, changed, lines bytes.Buffer
	if err := c.Print(&all, true); err != nil {
		t.Fatal(err)
	}
	if err := c.Print(&changed, false); err != nil {
		t.Fatal(err)
	}
	if err := c.PrintJSON(&lines, true); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{all.String(), changed.String(), lines.String()} {
		for _, secret := range []string{"hush", c.Session.EncryptionKey, c.Runtime.HTTPKey, c.MFA.StorageEncryptionKey} {
			if strings.Contains(text, secret) {
				t.Errorf("a secret is printed: %s", text)
			}
		}
	}
	for _, want := range []string{"joe:********@db:5432/game", "TOKEN=********", "# --console.password", "# SKIRMISH_IAP_GOOGLE_PRIVATE_KEY", "f0.yml:1"} {
		if !strings.Contains(changed.String(), want) {
			t.Errorf("%s\nlacks %q", changed.String(), want)
		}
	}
	if strings.Contains(changed.String(), "proxy_count") || !strings.Contains(all.String(), "proxy_count: 1") {
		t.Error("defaults are in the wrong print")
	}
	var tree map[string]any
	if err := yaml.Unmarshal(all.Bytes(), &tree); err != nil {
		t.Fatalf("%v\n%s", err, all.String())
	}
	if got := tree["socket"].(map[string]any)["response_headers"]; !reflect.DeepEqual(got, []any{"a=b: c"}) {
		t.Error(got)
	}
	if _, ps := readYAML("print", FromFile, all.Bytes()); len(ps) > 0 {
		t.Error(ps)
	}
}

func TestDSN(t *testing.T) {
	f := func(address, want, shown string) {
		t.Helper()
		got, err := DSN(address)
		if want == "" {
			if err == nil {
				t.Errorf("%s is taken as %s", address, got)
			}
			return
		}
		if err != nil || got != want || RedactDSN(address) != shown {
			t.Errorf("%s\n   is %s %v\n want %s\nshown %s\n want %s", address, got, err, want, RedactDSN(address), shown)
		}
	}
	f("localhost:5432", "postgresql://root@localhost:5432/nakama?sslmode=prefer", "postgresql://root@localhost:5432/nakama?sslmode=prefer")
	f("postgres:localdb@postgres:5432/nakama", "postgresql://postgres:localdb@postgres:5432/nakama?sslmode=prefer", "postgresql://postgres:********@postgres:5432/nakama?sslmode=prefer")
	f("postgresql://u:p%40x@h/db?sslmode=require", "postgresql://u:p%40x@h/db?sslmode=require", "postgresql://u:********@h/db?sslmode=require")
	f("u@/db?host=/run/postgresql", "postgresql://u@/db?host=/run/postgresql&sslmode=prefer"[:len("postgresql://u@/db?host=")]+"%2Frun%2Fpostgresql&sslmode=prefer", "postgresql://u@/db?host=%2Frun%2Fpostgresql&sslmode=prefer")
	f("u@[::1]:5432", "postgresql://u@[::1]:5432/nakama?sslmode=prefer", "postgresql://u@[::1]:5432/nakama?sslmode=prefer")
	f("", "", "")
	f("mysql://h", "", "")
	f("u:p@h:x", "", "")
	f("u:p@h/%zz", "", "")
}

// TestPrivateFile refuses what others can read and leaves no halves.
func TestPrivateFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "er", "file")
	if _, err := ReadPrivate(path); !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for _, text := range []string{"one", "two, longer", ""} {
		if err := WritePrivate(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadPrivate(path); err != nil || string(got) != text {
			t.Fatalf("%q %v", got, err)
		}
	}
	if runtime.GOOS == "windows" {
		return
	}
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o660} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadPrivate(path); err == nil {
			t.Errorf("%v is read", mode)
		}
	}
}
