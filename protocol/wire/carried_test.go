package wire_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/skirmishgg/skirmish/protocol/wire"
)

// Goal: testdata/carried.json is what STANDARD.md, section Carried matches, says. Method: this test reads and writes
// everything in it by the page, and shares no code with what made it.
func TestCarriedVectors(t *testing.T) {
	text, err := os.ReadFile("testdata/carried.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Schema string
		Who    []struct {
			Number                         uint16
			Session, User, Username, Bytes string
		}
		Data []struct {
			Kind        byte
			Sender      uint16
			OpCode      int64 `json:"op_code"`
			Data, Bytes string
		}
		Sends []struct {
			Kind        byte
			OpCode      int64 `json:"op_code"`
			To          []string
			Data, Bytes string
		}
		Envelopes []struct{ What, Table, Bytes string }
		Wishes    []string
		Orders    []struct {
			What            string
			Arrive, Deliver []string
			Refused         bool
		}
		Malformed []struct{ What, From, Bytes string }
	}
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Who) == 0 || len(v.Data) == 0 || len(v.Sends) == 0 || len(v.Envelopes) == 0 || len(v.Wishes) == 0 || len(v.Orders) == 0 || len(v.Malformed) == 0 {
		t.Fatal("a list of carried.json is empty")
	}
	unhex := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if sum := sha256.Sum256([]byte("skirmish carried match 1")); !bytes.Equal(sum[:8], unhex(v.Schema)) {
		t.Errorf("schema hash %s", v.Schema)
	}
	le := binary.LittleEndian
	zigzag := func(n int64) (b []byte) {
		u := uint64(n<<1) ^ uint64(n>>63)
		for ; u >= 0x80; u >>= 7 {
			b = append(b, byte(u)|0x80)
		}
		return append(b, byte(u))
	}
	is := func(what string, have []byte, want string) {
		t.Helper()
		if !bytes.Equal(have, unhex(want)) || carriedWrong(have, what[0] == 'c') {
			t.Errorf("%s: %x, the file says %s", what, have, want)
		}
	}
	for _, w := range v.Who {
		b := le.AppendUint16([]byte{2}, w.Number)
		is("server's who", append(append(append(b, unhex(w.Session)...), unhex(w.User)...), w.Username...), w.Bytes)
	}
	for _, d := range v.Data {
		is("server's data", append(append(le.AppendUint16([]byte{d.Kind}, d.Sender), zigzag(d.OpCode)...), unhex(d.Data)...), d.Bytes)
	}
	for _, s := range v.Sends {
		b := append(append([]byte{s.Kind}, zigzag(s.OpCode)...), byte(len(s.To)))
		for _, session := range s.To {
			b = append(b, unhex(session)...)
		}
		is("client's data", append(b, unhex(s.Data)...), s.Bytes)
	}
	for _, e := range v.Envelopes {
		table := unhex(e.Table)
		if root := le.Uint32(table); int(root)+4 > len(table) {
			t.Errorf("%s: the body is no FlatBuffers table", e.What)
		}
		is("server's envelope", append([]byte{0}, table...), e.Bytes)
	}
	for _, w := range v.Wishes {
		is("client's wish", unhex(w), w)
	}
	for _, m := range v.Malformed {
		if !carriedWrong(unhex(m.Bytes), m.From == "client") {
			t.Errorf("%s: %s makes sense", m.What, m.Bytes)
		}
	}
	for _, o := range v.Orders {
		var got []string
		waits, next, refused := map[uint16]string{}, uint16(0), false
		for _, s := range o.Arrive {
			b := unhex(s)
			number := le.Uint16(b)
			if _, twice := waits[number]; twice || number-next >= 512 || len(b) == 2 {
				refused = true
				break
			}
			waits[number] = s[4:]
			for msg, ok := waits[next]; ok; msg, ok = waits[next] {
				got = append(got, msg)
				delete(waits, next)
				next++
			}
		}
		if !slices.Equal(got, o.Deliver) || refused != o.Refused {
			t.Errorf("%s: %q, refused %v", o.What, got, refused)
		}
	}
}

// carriedWrong reads a message by the page.
func carriedWrong(b []byte, client bool) bool {
	if len(b) == 0 {
		return true
	}
	kind, b := b[0], b[1:]
	opCode := func(b []byte) (n int) {
		for n < len(b) && b[n] >= 0x80 {
			n++
		}
		if n++; n > len(b) || n > 1 && b[n-1] == 0 || n > 10 || n == 10 && b[9] > 1 {
			return 0
		}
		return n
	}
	switch {
	case !client && kind <= 1:
		return false
	case !client && kind == 2:
		return len(b) < 34 || len(b) > 34+128 || b[0]|b[1] == 0 || !utf8.Valid(b[34:])
	case !client && kind <= 4:
		return len(b) < 3 || opCode(b[2:]) == 0
	case client && (kind == 3 || kind == 4):
		n := opCode(b)
		return n == 0 || len(b) <= n || len(b) < n+1+16*int(b[n])
	case client && kind == 5:
		return len(b) != 1 || b[0] > 1
	}
	return true
}

// FuzzCarried: whatever a message is, it is refused or says the same when it is written again; and the page's reader agrees.
func FuzzCarried(f *testing.F) {
	f.Add(append(wire.AppendDelivery(nil, wire.CarriedData, 3, -900), "data"...), false)
	f.Add(append(wire.AppendDataSend(nil, wire.CarriedLossy, 1<<40, [16]byte{1}, [16]byte{2}), "data"...), true)
	f.Add(wire.AppendWho(nil, 7, &wire.CarriedPresence{SessionID: [16]byte{1}, Username: "ann"}), false)
	f.Fuzz(func(t *testing.T, b []byte, client bool) {
		if len(b) == 0 {
			return
		}
		var again []byte
		var err error
		switch kind := wire.CarriedKind(b[0]); {
		case kind == wire.CarriedWho && !client:
			var number uint16
			var p wire.CarriedPresence
			number, p, err = wire.ParseWho(b[1:])
			again = wire.AppendWho(nil, number, &p)
		case kind != wire.CarriedData && kind != wire.CarriedLossy:
			return
		case client:
			opCode, raw, data, e := wire.ParseDataSend(b[1:])
			var to [][16]byte
			for session := range slices.Chunk(raw, 16) {
				to = append(to, [16]byte(session))
			}
			again, err = append(wire.AppendDataSend(nil, kind, opCode, to...), data...), e
		default:
			sender, opCode, data, e := wire.ParseDelivery(b[1:])
			again, err = append(wire.AppendDelivery(nil, kind, sender, opCode), data...), e
		}
		if wrong := carriedWrong(b, client); wrong != (err != nil) {
			t.Fatalf("%x: %v, by the page it is wrong: %v", b, err, wrong)
		}
		if err == nil && !bytes.Equal(again, b) {
			t.Fatalf("%x is written as %x", b, again)
		}
	})
}
