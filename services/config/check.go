package config

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// checker collects what is wrong with one configuration.
type checker struct {
	*Config
	problems Problems
}

// check looks at everything and stops at nothing. Warnings go to c.Warnings.
func (c *Config) check() Problems {
	k := checker{Config: c}
	k.server()
	k.bounds()
	k.session()
	k.socket()
	k.udp()
	k.ports()
	k.database()
	k.runtime()
	k.console()
	k.rest()
	k.warn()
	return k.problems
}

// bad adds a problem with a setting; advice may be "".
func (k *checker) bad(path, text, advice string) {
	k.problems = append(k.problems, Problem{Key: path, Text: text, Advice: advice, From: k.origin[path]})
}

func (k *checker) warning(path, text, advice string) {
	k.Warnings = append(k.Warnings, Problem{Key: path, Text: text, Advice: advice, From: k.origin[path]})
}

// bounds holds every setting against the bounds in its tags.
func (k *checker) bounds() {
	for _, key := range keys {
		text := ""
		switch f := k.field(key); key.Kind {
		case Int:
			if n := f.Int(); n < key.Min {
				text = fmt.Sprintf("must be >= %d, not %d", key.Min, n)
			} else if n > key.Max {
				text = fmt.Sprintf("must be <= %d, not %d", key.Max, n)
			}
		case String:
			s := f.String()
			switch {
			case s == "" && key.Required != "" && (key.Generate == 0 || k.Given(key.Path)):
				k.bad(key.Path, key.Required, "")
			case len(key.Enum) > 0 && !slices.Contains(key.Enum, strings.ToLower(s)):
				text = fmt.Sprintf("must be one of: %s; not %s", strings.Join(key.Enum, ", "), key.show(s))
			case strings.ContainsRune(s, 0):
				k.bad(key.Path, "must not contain a NUL byte", "")
			case len(key.Enum) > 0:
				f.SetString(strings.ToLower(s))
			}
		}
		if text != "" && key.Fail != "" {
			text = key.Fail
		}
		if text != "" {
			k.bad(key.Path, text, "")
		}
	}
}

func (k *checker) server() {
	if n := utf8.RuneCountInString(k.Name); n < 1 || n > 16 {
		k.bad("name", "Name must be 1-16 characters", "")
	}
	if info, err := os.Stat(k.DataDir); err == nil && !info.IsDir() {
		k.bad("data_dir", k.DataDir+" is a file, not a folder", "")
	}
	if k.Logger.Rotation && k.Logger.File == "" {
		k.bad("logger.rotation", "Rotating log file is enabled but log file name is empty", "Set logger.file")
	}
}

func (k *checker) session() {
	s := k.Session
	if s.EncryptionKey != "" && s.EncryptionKey == s.RefreshEncryptionKey {
		k.bad("session.encryption_key", "Encryption key and refresh token encryption cannot match", "")
	}
	if s.SingleMatch && !s.SingleSocket {
		k.bad("session.single_match", "Single match cannot be enabled without single socket", "Set session.single_socket as well")
	}
	if s.SingleParty && !s.SingleSocket {
		k.bad("session.single_party", "Single party cannot be enabled without single socket", "Set session.single_socket as well")
	}
}

func (k *checker) socket() {
	s := k.Socket
	if s.PingPeriodMs >= s.PongWaitMs {
		k.bad("socket.ping_period_ms", "Ping period value must be less than pong wait value", "")
	}
	if (s.SSLCertificate == "") != (s.SSLPrivateKey == "") {
		k.bad("socket.ssl_certificate", "SSL configuration invalid, specify both socket.ssl_certificate and socket.ssl_private_key", "")
	} else if s.SSLCertificate != "" {
		if _, err := tls.LoadX509KeyPair(s.SSLCertificate, s.SSLPrivateKey); err != nil {
			k.bad("socket.ssl_certificate", "SSL certificate cannot be used: "+err.Error(), "")
		}
	}
	for _, h := range s.ResponseHeaders {
		name, value, ok := strings.Cut(h, "=")
		if !ok || name == "" || !printable(name+value) || strings.ContainsAny(name, " :\t") {
			k.bad("socket.response_headers", "Response headers must be of the form key=value", "")
		}
	}
	k.listenAddress("socket.address", s.Address)
	k.listenAddress("console.address", k.Console.Address)
	k.listenAddress("udp.address", k.UDP.Address)
}

func (k *checker) listenAddress(path, address string) {
	if _, err := netip.ParseAddr(address); address == "" || err == nil {
		return
	}
	if strings.ContainsAny(address, ":/ ") {
		k.bad(path, "must be an IP address or a name, without a port, not "+strconv.Quote(address), "")
	}
}

// udp checks what players are told to connect to.
func (k *checker) udp() {
	const path = "udp.public_addresses"
	for _, public := range k.UDP.PublicAddresses {
		host, _, err := k.splitPublic(public)
		switch {
		case err != nil:
			k.bad(path, err.Error(), "")
		case Loopback(host) && !Loopback(k.Socket.Address):
			k.warning(path, "players on other machines are told to connect to "+public+", which is this machine only",
				"Give the address by which players reach the server, or leave it out")
		case unspecified(host):
			k.bad(path, public+" is every interface, which nobody can connect to", "Give the address by which players reach the server")
		}
	}
	if Loopback(k.UDP.Address) && !Loopback(k.Socket.Address) && len(k.UDP.PublicAddresses) == 0 {
		k.warning("udp.address", "UDP listens on this machine only, while the API is open to others: their matches cannot be reached", "Leave udp.address out")
	}
}

// splitPublic reads "host:port" or "host", whose port is that of UDP.
func (c *Config) splitPublic(text string) (host string, port int, err error) {
	if ip, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")); err == nil {
		return ip.String(), c.UDP.Port, nil
	}
	if !strings.Contains(text, ":") && text != "" {
		return text, c.UDP.Port, nil
	}
	host, number, err := net.SplitHostPort(text)
	if err == nil {
		port, err = strconv.Atoi(number)
	}
	if err != nil || host == "" || port < 1 || port > 65535 || strings.ContainsAny(host, "/ ") {
		return "", 0, fmt.Errorf("must be host:port or host, not %q", text)
	}
	return host, port, nil
}

// PublicAddress is one of udp.public_addresses, its name not yet resolved.
type PublicAddress struct {
	Host string // a name or an IP address
	Port int    // 0: the one that UDP gets, with udp.port 0
}

// PublicAddresses is udp.public_addresses with the port of UDP where none is given.
func (c *Config) PublicAddresses() (list []PublicAddress) {
	for _, text := range c.UDP.PublicAddresses {
		if host, port, err := c.splitPublic(text); err == nil {
			list = append(list, PublicAddress{host, port})
		}
	}
	return list
}

// Loopback says whether a host is this machine only. "" is every interface. Names other than localhost count as public.
func Loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.Unmap().IsLoopback()
}

func unspecified(host string) bool {
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.Unmap().IsUnspecified()
}

// ports refuses one TCP port for two doors, which the second would find out late.
func (k *checker) ports() {
	type door struct {
		path, what, address string
		port                int
	}
	doors := []door{
		{"socket.port", "REST and WebSocket", k.Socket.Address, k.Socket.Port},
		{"socket.port", "gRPC", k.Socket.Address, k.GRPCPort()},
		{"console.port", "the console", k.Console.Address, k.Console.Port},
		{"console.port", "the console's gRPC", k.Console.Address, k.ConsoleGRPCPort()},
		{"metrics.prometheus_port", "metrics", k.Socket.Address, k.Metrics.PrometheusPort},
	}
	for i, a := range doors {
		if a.port < 0 {
			k.bad(a.path, fmt.Sprintf("leaves no port for %s, which would be %d", a.what, a.port), "")
		}
		for _, b := range doors[:i] {
			if a.port > 0 && a.port == b.port && (a.address == b.address || a.address == "" || b.address == "") {
				k.bad(a.path, fmt.Sprintf("%s would be on port %d, where %s is", a.what, a.port, b.what), "")
			}
		}
	}
}

func (k *checker) database() {
	if !k.Given("database.address") {
		return
	}
	if !slices.ContainsFunc(k.Database.Address, func(a string) bool { return a != "" }) {
		k.bad("database.address", "At least one database address must be specified", "Leave it out for the embedded store")
		return
	}
	for _, a := range k.Database.Address {
		if _, err := DSN(a); err != nil {
			k.bad("database.address", "Bad database connection URL", "It is user:password@host:port/dbname?param=value")
		}
	}
}

func (k *checker) runtime() {
	r := k.Runtime
	for _, e := range r.Env {
		if name, _, ok := strings.Cut(e, "="); !ok || name == "" {
			k.bad("runtime.env", "Invalid runtime environment value.", "Each entry is KEY=VALUE")
		}
	}
	if r.LuaMinCount > r.LuaMaxCount {
		k.bad("runtime.lua_min_count", "must be <= runtime.lua_max_count", "")
	}
	if r.JSMinCount > r.JSMaxCount {
		k.bad("runtime.js_min_count", "must be <= runtime.js_max_count", "")
	}
	if k.Given("runtime.path") {
		if info, err := os.Stat(r.Path); err == nil && !info.IsDir() {
			k.bad("runtime.path", r.Path+" is a file, not a folder", "")
		}
	}
	if r.JSEntrypoint != "" {
		path := r.JSEntrypoint
		if !filepath.IsAbs(path) {
			path = filepath.Join(r.Path, path)
		}
		if info, err := os.Stat(path); err != nil || info.IsDir() || filepath.Ext(path) != ".js" {
			k.bad("runtime.js_entrypoint", "JavaScript entrypoint must be a valid path", "It is a file in runtime.path that ends in .js")
		}
	}
}

func (k *checker) console() {
	if !validUsername(k.Console.Username) {
		k.bad("console.username", "Console username must be set and valid", "3 to 20 characters, the first and the last a letter or a digit, no spaces and no colon")
	}
	if n := len(k.MFA.StorageEncryptionKey); n != 0 && n != 32 {
		k.bad("mfa.storage_encryption_key", "MFA encryption key has to be 32 bits long", fmt.Sprintf("Bytes, that is: it has %d", n))
	}
}

// validUsername is the rule for console users' names; a colon would end the name in HTTP Basic authentication.
func validUsername(name string) bool {
	if len(name) < 3 || len(name) > 20 || !printable(name) || strings.ContainsAny(name, ": ") {
		return false
	}
	alphanumeric := func(b byte) bool {
		return b < utf8.RuneSelf && (unicode.IsLetter(rune(b)) || unicode.IsDigit(rune(b)))
	}
	return alphanumeric(name[0]) && alphanumeric(name[len(name)-1])
}

// rest is what has one rule.
func (k *checker) rest() {
	if g := k.GoogleAuth.CredentialsJSON; g != "" && !json.Valid([]byte(g)) {
		k.bad("google_auth.credentials_json", "Google credentials must be JSON", "It is the text of Google's credentials file")
	}
	s := k.Satori
	parts := []struct{ name, value string }{{"url", s.URL}, {"api_key_name", s.APIKeyName}, {"api_key", s.APIKey}, {"signing_key", s.SigningKey}}
	if slices.ContainsFunc(parts, func(p struct{ name, value string }) bool { return p.value != "" }) {
		for _, p := range parts {
			if p.value == "" {
				k.bad("satori."+p.name, "Satori configuration incomplete: "+p.name+" not set", "")
			}
		}
	}
	if u, err := url.Parse(s.URL); s.URL != "" && (err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https")) {
		k.bad("satori.url", "must be an http or https address", "")
	}
}

// Nakama's warnings, word for word.
const (
	warnInsecure   = "WARNING: insecure default parameter value, change this for production!"
	warnDeprecated = "WARNING: deprecated configuration parameter"
	warnTLS        = "WARNING: enabling direct SSL termination is not recommended, use an SSL-capable proxy or load balancer for production!"
)

func (k *checker) warn() {
	for _, key := range keys {
		if key.Published != "" && k.field(key).String() == key.Published {
			k.warning(key.Path, warnInsecure, "")
		}
		if key.Deprecated && k.Given(key.Path) {
			advice := ""
			if key.Old != "" {
				advice = "Use " + replacement(key)
			}
			if key.Path != "runtime.read_only_globals" || !k.Runtime.ReadOnlyGlobals {
				k.warning(key.Path, warnDeprecated, advice)
			}
		}
	}
	if k.Socket.SSLCertificate != "" && k.Socket.SSLPrivateKey != "" {
		k.warning("socket.ssl_certificate", warnTLS, "")
	}
	if k.Limit != -1 {
		k.warning("limit", "only the command migrate takes a limit; it is ignored", "")
	}
}

// replacement is the whole path of what to use instead.
func replacement(k *Key) string {
	if strings.Contains(k.Old, ".") {
		return k.Old
	}
	return k.Section() + "." + k.Old
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}
