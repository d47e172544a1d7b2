package wire_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/chacha20poly1305"
)

// Goal: the vectors in testdata say what STANDARD.md says, not merely what netcode does. Method: a second reader, written
// from the standard with nothing but ciphers and HMAC, takes every vector apart and builds it again, byte for byte. It
// must never import netcode or the constants of this package.

// bin is bytes written as hex.
type bin []byte

func (b *bin) UnmarshalText(text []byte) (err error) {
	*b, err = hex.DecodeString(string(text))
	return err
}

func load(t *testing.T, name string, v any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields() // a field that nobody checks is no vector
	if err := d.Decode(v); err != nil {
		t.Fatal(err)
	}
}

func equal(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s:\n got %x\nwant %x", what, got, want)
	}
}

func cat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func u16(v uint16) []byte { return binary.LittleEndian.AppendUint16(nil, v) }
func u32(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }
func u64(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }

func mac(key []byte, parts ...[]byte) []byte {
	m := hmac.New(sha256.New, key)
	for _, p := range parts {
		m.Write(p)
	}
	return m.Sum(nil)
}

// expand is HKDF-Expand of RFC 5869.
func expand(prk []byte, info string, n int) (out []byte) {
	var block []byte
	for i := byte(1); len(out) < n; i++ {
		block = mac(prk, block, []byte(info), []byte{i})
		out = append(out, block...)
	}
	return out[:n]
}

// hkdf is extract and expand.
func hkdf(secret, salt []byte, info string, n int) []byte { return expand(mac(salt, secret), info, n) }

func aead(t *testing.T, suite int, key []byte) cipher.AEAD {
	t.Helper()
	switch suite {
	case 1:
		a, err := chacha20poly1305.New(key)
		if err != nil {
			t.Fatal(err)
		}
		return a
	case 2:
		block, err := aes.NewCipher(key[:16])
		if err != nil {
			t.Fatal(err)
		}
		a, err := cipher.NewGCM(block)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	t.Fatalf("suite %d", suite)
	return nil
}

func xchacha(t *testing.T, key []byte) cipher.AEAD {
	t.Helper()
	a, err := chacha20poly1305.NewX(key)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// box checks that pkt ends in a box over pkt[:at] and gives what is in it.
func box(t *testing.T, what string, suite int, key, pkt []byte, at int) []byte {
	t.Helper()
	if len(pkt) < at+32 {
		t.Fatalf("%s: %d bytes have no room for a box at %d", what, len(pkt), at)
	}
	salt := pkt[at : at+16]
	k := hkdf(key, salt, "skirmish box"+string([]byte{byte(suite)}), 44)
	a := aead(t, suite, k[:32])
	plain, err := a.Open(nil, k[32:], pkt[at+16:], pkt[:at])
	if err != nil {
		t.Fatalf("%s: box does not open", what)
	}
	equal(t, what, cat(pkt[:at], salt, a.Seal(nil, k[32:], plain, pkt[:at])), pkt)
	return plain
}

type privateVector struct {
	ServerID   bin    `json:"server_id"`
	UserID     bin    `json:"user_id"`
	SessionID  bin    `json:"session_id"`
	MatchID    bin    `json:"match_id"`
	Shard      uint8  `json:"shard"`
	Suite      uint8  `json:"suite"`
	TimeoutMs  uint16 `json:"timeout_ms"`
	VarsDigest bin    `json:"vars_digest"`
	Username   string `json:"username"`
	GameData   bin    `json:"game_data"`
}

type tokenVector struct {
	Name      string        `json:"name"`
	TokenKey  bin           `json:"token_key"`
	Bytes     bin           `json:"bytes"`
	Text      string        `json:"text"`
	Version   uint16        `json:"version"`
	Schema    bin           `json:"schema"`
	Expiry    uint64        `json:"expiry"`
	TimeoutMs uint16        `json:"timeout_ms"`
	Suite     uint8         `json:"suite"`
	KeyC2S    bin           `json:"key_c2s"`
	KeyS2C    bin           `json:"key_s2c"`
	Nonce     bin           `json:"nonce"`
	Addresses []string      `json:"addresses"`
	Private   privateVector `json:"private"`
}

type ticketVector struct {
	TicketKey bin    `json:"ticket_key"`
	Bytes     bin    `json:"bytes"`
	Nonce     bin    `json:"nonce"`
	CID       uint32 `json:"cid"`
	Seq       uint32 `json:"seq"`
	Secret    bin    `json:"secret"`
	Schema    bin    `json:"schema"`
	Suite     uint8  `json:"suite"`
	UserID    bin    `json:"user_id"`
	MatchID   bin    `json:"match_id"`
	SessionID bin    `json:"session_id"`
	IssuedMs  uint64 `json:"issued_ms"`
}

func TestTokenVectors(t *testing.T) {
	var file struct {
		Tokens  []tokenVector
		Refused []struct {
			Name  string
			Bytes bin
		}
		Tickets []ticketVector
	}
	load(t, "token.json", &file)
	if len(file.Tokens) < 3 || len(file.Refused) < 10 || len(file.Tickets) < 2 {
		t.Fatal("vectors are missing")
	}
	for _, v := range file.Tokens {
		p := v.Private
		plain := cat(p.ServerID, p.UserID, p.SessionID, p.MatchID, []byte{p.Shard, p.Suite}, u16(p.TimeoutMs), v.KeyC2S, v.KeyS2C,
			p.VarsDigest, []byte{byte(len(p.Username))}, []byte(p.Username), u16(uint16(len(p.GameData))), p.GameData)
		plain = append(plain, make([]byte, 752-len(plain))...)
		aad := cat([]byte("skirmish token"), u16(v.Version), v.Schema, u64(v.Expiry))
		private := xchacha(t, v.TokenKey).Seal(nil, v.Nonce, plain, aad)
		b := cat(u16(v.Version), v.Schema, u64(v.Expiry), u16(v.TimeoutMs), []byte{v.Suite}, v.KeyC2S, v.KeyS2C, v.Nonce, private,
			[]byte{byte(len(v.Addresses))})
		for _, s := range v.Addresses {
			a := netip.MustParseAddrPort(s)
			kind := byte(6)
			if a.Addr().Is4() {
				kind = 4
			}
			b = cat(b, []byte{kind}, a.Addr().AsSlice(), u16(a.Port()))
		}
		equal(t, v.Name, b, v.Bytes)
		if got := base64.RawURLEncoding.EncodeToString(b); got != v.Text {
			t.Errorf("%s: text %s, want %s", v.Name, got, v.Text)
		}
		if why := refuseToken(b); why != "" {
			t.Errorf("%s: refused: %s", v.Name, why)
		}
	}
	for _, v := range file.Refused {
		if refuseToken(v.Bytes) == "" {
			t.Errorf("%s: not refused", v.Name)
		}
	}
	for _, v := range file.Tickets {
		plain := cat(u32(v.CID), u32(v.Seq), v.Secret, v.Schema, []byte{v.Suite}, v.UserID, v.MatchID, v.SessionID, u64(v.IssuedMs))
		aad := cat([]byte("skirmish ticket"), u16(1))
		equal(t, "ticket", cat(v.Nonce, xchacha(t, v.TicketKey).Seal(nil, v.Nonce, plain, aad)), v.Bytes)
	}
}

// refuseToken says why a client refuses a token, "" when it does not.
func refuseToken(b []byte) string {
	const fixed = 2 + 8 + 8 + 2 + 1 + 64 + 24 + 768 + 1
	switch {
	case len(b) < fixed:
		return "short"
	case binary.LittleEndian.Uint16(b) != 1:
		return "version"
	case binary.LittleEndian.Uint16(b[18:]) < 100:
		return "timeout"
	case b[20] != 1 && b[20] != 2:
		return "suite"
	case b[fixed-1] < 1 || b[fixed-1] > 32:
		return "address count"
	}
	n := int(b[fixed-1])
	for b = b[fixed:]; n > 0; n-- {
		size := 0
		switch {
		case len(b) > 0 && b[0] == 4:
			size = 4
		case len(b) > 0 && b[0] == 6:
			size = 16
		default:
			return "address kind"
		}
		if len(b) < 1+size+2 {
			return "short address"
		}
		if size == 16 && netip.AddrFrom16([16]byte(b[1:])).Is4In6() {
			return "mapped address"
		}
		if b[1+size] == 0 && b[2+size] == 0 {
			return "port"
		}
		b = b[1+size+2:]
	}
	if len(b) != 0 {
		return "trailing bytes"
	}
	return ""
}

// directions derives {key, iv} for client to server and server to client.
func directions(secret, serverRandom, clientRandom []byte, label string, suite int) (c2s, s2c []byte) {
	out := hkdf(secret, cat(serverRandom, clientRandom), label+string([]byte{byte(suite)}), 72)
	return out[:36], out[36:]
}

// sealed checks that pkt is header and sealed packet pn under key ‖ iv, and gives what is in it.
func sealed(t *testing.T, what string, suite int, keyIV, schema, pkt []byte, header int, pn uint64) []byte {
	t.Helper()
	a := aead(t, suite, keyIV[:32])
	nonce := cat(keyIV[32:], u64(pn))
	aad := cat(pkt[:header], schema)
	plain, err := a.Open(nil, nonce, pkt[header:], aad)
	if err != nil {
		t.Fatalf("%s: does not open", what)
	}
	equal(t, what, cat(pkt[:header], a.Seal(nil, nonce, plain, aad)), pkt)
	return plain
}

func TestDataVectors(t *testing.T) {
	var file struct {
		Numbers []struct {
			PN       uint64 `json:"packet_number"`
			Acked    uint64 `json:"largest_acked"`
			Received uint64 `json:"largest_received"`
			Bytes    bin
		} `json:"packet_numbers"`
		Packets []struct {
			Suite        int
			ToServer     bool `json:"to_server"`
			Schema       bin
			TokenC2S     bin    `json:"token_key_c2s"`
			TokenS2C     bin    `json:"token_key_s2c"`
			ServerRandom bin    `json:"server_random"`
			ClientRandom bin    `json:"client_random"`
			PN           uint64 `json:"packet_number"`
			Acked        uint64 `json:"largest_acked"`
			Epoch        uint64
			Key, IV      bin
			Header       bin
			Plaintext    bin
			Datagram     bin
		}
	}
	load(t, "data.json", &file)
	if len(file.Numbers) < 11 || len(file.Packets) < 28 {
		t.Fatal("vectors are missing")
	}
	for _, v := range file.Numbers {
		equal(t, "packet number", number(v.PN, v.Acked), v.Bytes)
		// The nearest number to largest received + 1 with these low bytes, by trying all that could be.
		size := uint64(1) << (8 * len(v.Bytes))
		best, expected := uint64(0), v.Received+1
		var distance uint64 = 1 << 63
		for base := expected - min(expected, 2*size); base <= expected+2*size; base += size {
			if n := base - base%size + v.PN%size; max(n, expected)-min(n, expected) < distance {
				best, distance = n, max(n, expected)-min(n, expected)
			}
		}
		if best != v.PN {
			t.Errorf("%x after %d is %d, want %d", v.Bytes, v.Received, best, v.PN)
		}
	}
	for _, v := range file.Packets {
		c2s, s2c := directions(cat(v.TokenC2S, v.TokenS2C), v.ServerRandom, v.ClientRandom, "skirmish session", v.Suite)
		key, header := s2c, []byte(nil)
		if v.ToServer {
			key, header = c2s, u32(0xA1B2C301)
		}
		if v.Epoch != v.PN/(1<<30) {
			t.Errorf("packet %d is said to be of epoch %d", v.PN, v.Epoch)
		}
		for range v.Epoch {
			key = expand(key[:32], "skirmish next", 36)
		}
		equal(t, "key", key, cat(v.Key, v.IV))
		pn := number(v.PN, v.Acked)
		header = cat([]byte{0x40 | byte(v.Epoch&1)<<2 | byte(len(pn)-1)}, header, pn)
		equal(t, "header", header, v.Header)
		equal(t, "start of the datagram", v.Datagram[:len(header)], header)
		equal(t, "plaintext", sealed(t, "packet", v.Suite, key, v.Schema, v.Datagram, len(header), v.PN), v.Plaintext)
	}
}

// number is a packet number as it travels.
func number(pn, acked uint64) []byte {
	n := 1
	for n < 4 && (pn-acked)*2 >= 1<<(8*n) {
		n++
	}
	return u64(pn)[:n]
}

type acceptVector struct {
	CID        uint32 `json:"cid"`
	TickRate   uint16 `json:"tick_rate"`
	ServerTick uint32 `json:"server_tick"`
	MaxPayload uint16 `json:"max_payload"`
	TimeoutMs  uint16 `json:"timeout_ms"`
	ResetToken bin    `json:"reset_token"`
	Secret     bin    `json:"secret"`
	Ticket     bin    `json:"ticket"`
}

func (a *acceptVector) bytes() []byte {
	return cat(u32(a.CID), u16(a.TickRate), u32(a.ServerTick), u16(a.MaxPayload), u16(a.TimeoutMs), a.ResetToken, a.Secret,
		length(len(a.Ticket)), a.Ticket)
}

func length(n int) []byte {
	if n < 128 {
		return []byte{byte(n)}
	}
	return []byte{0x80 | byte(n>>8), byte(n)}
}

type keysVector struct {
	C2S   bin `json:"c2s"`
	C2SIV bin `json:"c2s_iv"`
	S2C   bin `json:"s2c"`
	S2CIV bin `json:"s2c_iv"`
}

func TestHandshakeVectors(t *testing.T) {
	var file struct {
		TokenKey bin `json:"token_key"`
		Connects []struct {
			Suite         int
			Token         bin
			ClientAddress netip.AddrPort `json:"client_address"`
			Request       bin
			Challenge     bin
			Response      bin
			Accepts       []bin
			ServerRandom  bin `json:"server_random"`
			ClientRandom  bin `json:"client_random"`
			Keys          keysVector
			Accept        acceptVector
			DenyFull      bin `json:"deny_full"`
			Elsewhere     bin
			DenyVersion   bin `json:"deny_version"`
		}
		Resumes []struct {
			Suite        int
			Schema       bin
			CID          uint32 `json:"cid"`
			Secret       bin
			Ticket       bin
			TicketKey    bin `json:"ticket_key"`
			Resume       bin
			ClientRandom bin `json:"client_random"`
			ServerRandom bin `json:"server_random"`
			Resumed      bin
			Keys         keysVector
			Accept       acceptVector
			DenyGone     bin `json:"deny_gone"`
		}
	}
	load(t, "handshake.json", &file)
	if len(file.Connects) < 2 || len(file.Resumes) < 2 {
		t.Fatal("vectors are missing")
	}
	for _, v := range file.Connects {
		// The token's fields where they stand: version 0, schema 2, expiry 10, timeout 18, suite 20, keys 21, nonce 85, private 109.
		k := v.Token
		version, schema, expiry, c2s, s2c, nonce, private := k[:2], k[2:10], k[10:18], k[21:53], k[53:85], k[85:109], k[109:877]
		if int(k[20]) != v.Suite {
			t.Errorf("token of suite %d in a handshake of suite %d", k[20], v.Suite)
		}
		if _, err := xchacha(t, file.TokenKey).Open(nil, nonce, private, cat([]byte("skirmish token"), version, schema, expiry)); err != nil {
			t.Error("the private part does not open")
		}
		head := cat([]byte{0}, version, schema, expiry, nonce, private)
		equal(t, "REQUEST", cat([]byte{0x80}, head, make([]byte, 1200-812)), v.Request)

		plain := box(t, "CHALLENGE", v.Suite, s2c, v.Challenge, 1)
		if v.Challenge[0] != 0x81 || len(plain) != 16+106 || len(v.Challenge) > len(v.Request) {
			t.Fatalf("CHALLENGE is %x", v.Challenge)
		}
		equal(t, "server random", plain[:16], v.ServerRandom)
		cookie := plain[16:]

		if len(v.Response) != 1200 {
			t.Fatalf("RESPONSE has %d bytes", len(v.Response))
		}
		equal(t, "head of RESPONSE", v.Response[:918], cat([]byte{0x82}, head, cookie))
		equal(t, "client random", box(t, "RESPONSE", v.Suite, c2s, v.Response[:918+48], 918), v.ClientRandom)
		equal(t, "padding of RESPONSE", v.Response[918+48:], make([]byte, 1200-918-48))

		keyC2S, keyS2C := directions(cat(c2s, s2c), v.ServerRandom, v.ClientRandom, "skirmish session", v.Suite)
		checkKeys(t, keyC2S, keyS2C, v.Keys)
		for pn, accept := range v.Accepts {
			equal(t, "header of ACCEPT", accept[:5], cat([]byte{0x83}, u32(uint32(pn))))
			equal(t, "ACCEPT", sealed(t, "ACCEPT", v.Suite, keyS2C, schema, accept, 5, uint64(pn)), v.Accept.bytes())
		}

		equal(t, "form of DENY", v.DenyFull[:2], []byte{0x84, 1})
		equal(t, "DENY", box(t, "DENY", v.Suite, s2c, v.DenyFull, 2), []byte{4})
		equal(t, "form of ELSEWHERE", v.Elsewhere[:1], []byte{0x85})
		equal(t, "ELSEWHERE", box(t, "ELSEWHERE", v.Suite, s2c, v.Elsewhere, 1), nil)
		equal(t, "DENY(version)", v.DenyVersion, []byte{0x84, 0, 1})
		if !v.ClientAddress.IsValid() {
			t.Error("no client address")
		}
	}
	for _, v := range file.Resumes {
		head := cat([]byte{0x86, byte(v.CID)}, u32(v.CID), length(len(v.Ticket)), v.Ticket, v.ClientRandom)
		if len(v.Resume) != 1200 {
			t.Fatalf("RESUME has %d bytes", len(v.Resume))
		}
		equal(t, "head of RESUME", v.Resume[:len(head)], head)
		equal(t, "RESUME", box(t, "RESUME", v.Suite, v.Secret, v.Resume[:len(head)+32], len(head)), nil)
		equal(t, "padding of RESUME", v.Resume[len(head)+32:], make([]byte, 1200-len(head)-32))

		plain, err := xchacha(t, v.TicketKey).Open(nil, v.Ticket[:24], v.Ticket[24:], cat([]byte("skirmish ticket"), u16(1)))
		if err != nil || len(plain) != 105 {
			t.Fatal("the ticket does not open")
		}
		equal(t, "CID in the ticket", plain[:4], u32(v.CID))
		equal(t, "secret in the ticket", plain[8:40], v.Secret)

		keyC2S, keyS2C := directions(v.Secret, v.ServerRandom, v.ClientRandom, "skirmish resume", v.Suite)
		checkKeys(t, keyC2S, keyS2C, v.Keys)
		equal(t, "header of RESUMED", v.Resumed[:21], cat([]byte{0x87}, v.ServerRandom, u32(0)))
		equal(t, "RESUMED", sealed(t, "RESUMED", v.Suite, keyS2C, v.Schema, v.Resumed, 21, 0), v.Accept.bytes())
		equal(t, "form of DENY", v.DenyGone[:2], []byte{0x84, 1})
		equal(t, "DENY(gone)", box(t, "DENY(gone)", v.Suite, v.Secret, v.DenyGone, 2), []byte{11})
	}
}

func checkKeys(t *testing.T, c2s, s2c []byte, want keysVector) {
	t.Helper()
	equal(t, "key to the server", c2s, cat(want.C2S, want.C2SIV))
	equal(t, "key to the client", s2c, cat(want.S2C, want.S2CIV))
}

func TestResetVectors(t *testing.T) {
	var file struct {
		Resets []struct {
			ResetKey bin        `json:"reset_key"`
			CID      uint32     `json:"cid"`
			IP       netip.Addr `json:"ip"`
			Cause    bin
			Reset    bin
		}
	}
	load(t, "reset.json", &file)
	if len(file.Resets) < 3 {
		t.Fatal("vectors are missing")
	}
	for _, v := range file.Resets {
		ip := v.IP.As16()
		equal(t, "CID", v.Cause[1:5], u32(v.CID))
		equal(t, "reset", cat([]byte{0xC0}, mac(v.ResetKey, u32(v.CID), ip[:])[:16]), v.Reset)
		if len(v.Reset) >= len(v.Cause) {
			t.Error("a reset is not smaller than its cause")
		}
	}
}
