package carry

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/proto"

	"github.com/skirmishgg/skirmish/netcode/channel"
	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

var rewrite = flag.Bool("rewrite", false, "write protocol/wire/testdata/carried.json anew")

type whoVector struct {
	Number   uint16 `json:"number"`
	Session  string `json:"session"`
	User     string `json:"user"`
	Username string `json:"username"`
	Bytes    string `json:"bytes"`
}

type deliveryVector struct {
	Kind   uint8  `json:"kind"`
	Sender uint16 `json:"sender"`
	OpCode int64  `json:"op_code"`
	Data   string `json:"data"`
	Bytes  string `json:"bytes"`
}

type sendVector struct {
	Kind   uint8    `json:"kind"`
	OpCode int64    `json:"op_code"`
	To     []string `json:"to"`
	Data   string   `json:"data"`
	Bytes  string   `json:"bytes"`
}

type envelopeVector struct {
	What  string `json:"what"`
	Table string `json:"table"`
	Bytes string `json:"bytes"`
}

type orderVector struct {
	What    string   `json:"what"`
	Arrive  []string `json:"arrive"`
	Deliver []string `json:"deliver"`
	Refused bool     `json:"refused"` // the last one closes the connection
}

type malformedVector struct {
	What  string `json:"what"`
	From  string `json:"from"`
	Bytes string `json:"bytes"`
}

type carriedVectors struct {
	Schema    string            `json:"schema"`
	Who       []whoVector       `json:"who"`
	Data      []deliveryVector  `json:"data"`
	Sends     []sendVector      `json:"sends"`
	Envelopes []envelopeVector  `json:"envelopes"`
	Wishes    []string          `json:"wishes"`
	Orders    []orderVector     `json:"orders"`
	Malformed []malformedVector `json:"malformed"`
}

// TestVectors: carried.json is what this implementation says. Its reader beside the standard shares no code with it.
func TestVectors(t *testing.T) {
	v := carriedVectors{Schema: hex.EncodeToString(wire.CarriedSchema[:])}
	text := func(b []byte) string { return hex.EncodeToString(b) }
	ann := wire.CarriedPresence{SessionID: [16]byte{1, 2, 15: 3}, UserID: [16]byte{4, 15: 5}, Username: "änn"}
	for _, w := range []struct {
		number uint16
		p      wire.CarriedPresence
	}{{1, ann}, {1024, wire.CarriedPresence{UserID: [16]byte{9}}}, {65535, wire.CarriedPresence{Username: strings.Repeat("x", 128)}}} {
		b := wire.AppendWho(nil, w.number, &w.p)
		v.Who = append(v.Who, whoVector{w.number, text(w.p.SessionID[:]), text(w.p.UserID[:]), w.p.Username, text(b)})
		if number, p, err := wire.ParseWho(b[1:]); err != nil || number != w.number || p != w.p {
			t.Errorf("%d %v: %v", number, p, err)
		}
	}
	opCodes := []int64{0, 1, -1, 63, 64, -64, -65, 8191, 8192, 1 << 40, -1 << 63, 1<<63 - 1}
	for i, opCode := range opCodes {
		kind, sender, data := wire.CarriedData+wire.CarriedKind(i%2), uint16(i*700), bytes.Repeat([]byte{7}, i)
		b := append(wire.AppendDelivery(nil, kind, sender, opCode), data...)
		v.Data = append(v.Data, deliveryVector{uint8(kind), sender, opCode, text(data), text(b)})
		if s, o, d, err := wire.ParseDelivery(b[1:]); err != nil || s != sender || o != opCode || !bytes.Equal(d, data) {
			t.Errorf("%d %d %x: %v", s, o, d, err)
		}
		to := make([][16]byte, i%3)
		for n := range to {
			to[n] = [16]byte{byte(n + 1), 15: 8}
		}
		b = append(wire.AppendDataSend(nil, kind, opCode, to...), data...)
		one := sendVector{uint8(kind), opCode, []string{}, text(data), text(b)}
		for _, session := range to {
			one.To = append(one.To, text(session[:]))
		}
		v.Sends = append(v.Sends, one)
		if o, raw, d, err := wire.ParseDataSend(b[1:]); err != nil || o != opCode || len(raw) != 16*len(to) || !bytes.Equal(d, data) {
			t.Errorf("%d %x %x: %v", o, raw, d, err)
		}
	}
	for _, e := range []struct {
		what string
		m    proto.Message
	}{
		{"the match", &rtapi.Envelope{Message: &rtapi.Envelope_Match{Match: &rtapi.Match{MatchId: "a.", Size: 1, Self: &rtapi.UserPresence{Username: "ann"}}}}},
		{"somebody left", &rtapi.Envelope{Message: &rtapi.Envelope_MatchPresenceEvent{MatchPresenceEvent: &rtapi.MatchPresenceEvent{
			MatchId: "a.", Leaves: []*rtapi.UserPresence{{Username: "bob"}},
		}}}},
	} {
		table, err := codec.Append(nil, codec.FlatBuffers, e.m)
		if err != nil {
			t.Fatal(err)
		}
		v.Envelopes = append(v.Envelopes, envelopeVector{e.what, text(table), text(append([]byte{byte(wire.CarriedEnvelope)}, table...))})
	}
	v.Wishes = []string{"0500", "0501"}
	v.Orders = orders(t)
	v.Malformed = []malformedVector{
		{"a sender that is 0", "server", "020000" + strings.Repeat("00", 32)},
		{"a sender without a user", "server", "020100" + strings.Repeat("00", 31)},
		{"a username of 129 bytes", "server", "020100" + strings.Repeat("00", 32) + strings.Repeat("78", 129)},
		{"a username that is not UTF-8", "server", "020100" + strings.Repeat("00", 32) + "ff"},
		{"data without an op code", "server", "030000"},
		{"an op code that does not end", "server", "030000" + "80"},
		{"an op code with a byte too many", "server", "030000" + "8000"},
		{"an op code of 65 bits", "server", "030000" + "ffffffffffffffffff02"},
		{"an unknown kind", "server", "06"},
		{"a client's kind", "server", "0501"},
		{"data without a count", "client", "0302"},
		{"a target that is cut off", "client", "030201" + strings.Repeat("00", 15)},
		{"a wish without flags", "client", "05"},
		{"a wish with an unknown flag", "client", "0502"},
		{"a wish and more", "client", "050100"},
		{"a server's kind", "client", "0000"},
		{"an unknown kind", "client", "ff"},
	}

	out, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	out = append(out, '\n')
	const path = "../../../protocol/wire/testdata/carried.json"
	if *rewrite {
		if err := os.WriteFile(path, out, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if have, err := os.ReadFile(path); err != nil || !bytes.Equal(have, out) {
		t.Errorf("carried.json is not what this package says (%v): look at it, then run make gen", err)
	}
}

// orders are messages as they arrive, and in which order they are taken.
func orders(t *testing.T) (list []orderVector) {
	for _, o := range []struct {
		what    string
		arrive  []int // numbers; each message is its number's low byte
		refused bool
	}{
		{what: "as they were sent", arrive: []int{0, 1, 2, 3}},
		{what: "a large one comes late", arrive: []int{0, 2, 3, 1, 4}},
		{what: "two late ones", arrive: []int{2, 1, 4, 0, 3}},
		{what: "511 ahead", arrive: []int{511, 0}},
		{what: "512 ahead", arrive: []int{512}, refused: true},
		{what: "twice", arrive: []int{0, 0}, refused: true},
		{what: "twice while it waits", arrive: []int{5, 5}, refused: true},
		{what: "nothing behind the number", arrive: []int{-1}, refused: true},
	} {
		v := orderVector{What: o.what, Arrive: []string{}, Deliver: []string{}, Refused: o.refused}
		var j channel.Joiner
		for i, n := range o.arrive {
			msg := []byte{byte(n), byte(n >> 8), byte(n)}
			if n < 0 {
				msg = []byte{0, 0}
			}
			v.Arrive = append(v.Arrive, hex.EncodeToString(msg))
			rest, err := j.Accept(msg)
			if (err != nil) != (o.refused && i == len(o.arrive)-1) {
				t.Errorf("%s: message %d: %v", o.what, i, err)
			}
			for ok := rest != nil; ok; rest, ok = j.Next() {
				v.Deliver = append(v.Deliver, hex.EncodeToString(rest))
			}
		}
		list = append(list, v)
	}
	return list
}
