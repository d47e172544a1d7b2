package native_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"testing"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/wire"
	"github.com/skirmishgg/skirmish/services/connect"
)

var rewrite = flag.Bool("rewrite", false, "write protocol/wire/testdata/session.json anew")

type messageVector struct {
	What        string `json:"what"`
	Number      uint16 `json:"number"`
	Kind        uint8  `json:"kind"`
	Correlation uint32 `json:"correlation"`
	Code        uint32 `json:"code,omitempty"`
	Text        string `json:"text,omitempty"`
	Body        string `json:"body"`
	Bytes       string `json:"bytes"`
}

type largeVector struct {
	Number      uint16        `json:"number"`
	Correlation uint32        `json:"correlation"`
	Size        int           `json:"size"`
	Pieces      []pieceVector `json:"pieces"`
}

type pieceVector struct {
	Header string `json:"header"`
	Body   int    `json:"body"`
}

type malformedVector struct {
	What     string   `json:"what"`
	Messages []string `json:"messages"`
}

type identityVector struct {
	Issued   int64             `json:"issued"`
	Host     string            `json:"host"`
	Vars     map[string]string `json:"vars"`
	GameData string            `json:"game_data"`
	Digest   string            `json:"vars_digest"`
}

type sessionVectors struct {
	Messages   []messageVector   `json:"messages"`
	Large      []largeVector     `json:"large"`
	Malformed  []malformedVector `json:"malformed"`
	Identities []identityVector  `json:"identities"`
}

// TestVectors: session.json is what this implementation says. Its reader beside the standard shares no code with it.
func TestVectors(t *testing.T) {
	var v sessionVectors
	table := func(m proto.Message) []byte {
		b, err := codec.Append(nil, codec.FlatBuffers, m)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	whole := func(what string, number uint16, correlation uint32, m proto.Message) {
		body := table(m)
		v.Messages = append(v.Messages, messageVector{
			What: what, Number: number, Correlation: correlation, Body: hex.EncodeToString(body),
			Bytes: hex.EncodeToString(wire.SplitCall(number, correlation, body)[0]),
		})
	}
	whole("GetAccount, request: an empty table", 24, 1, &emptypb.Empty{})
	whole("RpcFunc, request", 62, 2, &api.Rpc{Id: "greet", Payload: `{"name":"zoe"}`})
	whole("RpcFunc, answer", 62, 2, &api.Rpc{Id: "greet", Payload: `"hello zoe"`})
	whole("Event, request that wants no answer", 23, 0, &api.Event{Name: "level", Properties: map[string]string{"n": "3"}})
	whole("a push", wire.NumberEnvelope, 0, &rtapi.Envelope{Message: &rtapi.Envelope_Notifications{Notifications: &rtapi.Notifications{
		Notifications: []*api.Notification{{Subject: "single_socket", Content: "{}", Code: -7}},
	}}})
	refused := wire.AppendRefusal(nil, 62, 3, 5, "RPC function not found")
	v.Messages = append(v.Messages, messageVector{
		What: "RpcFunc, refusal", Number: 62, Kind: 2, Correlation: 3, Code: 5, Text: "RPC function not found",
		Body: hex.EncodeToString(refused[wire.CallHead:]), Bytes: hex.EncodeToString(refused),
	})
	for i, size := range []int{wire.CallPiece, wire.CallPiece + 1, 3*wire.CallPiece - 1, wire.CallMax} {
		large := largeVector{Number: 84, Correlation: uint32(100 + i), Size: size}
		for _, msg := range wire.SplitCall(84, large.Correlation, make([]byte, size)) {
			large.Pieces = append(large.Pieces, pieceVector{hex.EncodeToString(msg[:wire.CallHead]), len(msg) - wire.CallHead})
		}
		v.Large = append(v.Large, large)
	}
	malformed := func(what string, messages ...[]byte) {
		m := malformedVector{What: what}
		for _, msg := range messages {
			m.Messages = append(m.Messages, hex.EncodeToString(msg))
		}
		v.Malformed = append(v.Malformed, m)
	}
	malformed("shorter than a header", []byte{62, 0, 0, 0, 1, 0, 0})
	malformed("number 0", wire.AppendCall(nil, 0, wire.CallWhole, 1))
	malformed("unknown kind", wire.AppendCall(nil, 62, 3, 1))
	malformed("a byte that must be zero", []byte{62, 0, 0, 1, 1, 0, 0, 0})
	malformed("a piece of another size", append(wire.AppendCall(nil, 62, wire.CallMore, 1), 1, 2, 3))
	malformed("a client's refusal", wire.AppendRefusal(nil, 62, 1, 3, "no"))
	malformed("after a good one", wire.SplitCall(24, 1, table(&emptypb.Empty{}))[0], []byte{1})
	for _, who := range []connect.Identity{
		{Issued: time.Unix(1_893_456_000, 0), Host: "game.example.com:7350"},
		{Issued: time.Unix(1_893_456_001, 0), Host: "192.0.2.1", Vars: map[string]string{"region": "eu", "build": "1.20", "": "empty key"}},
	} {
		p := who.Private()
		back, err := (*connect.Service)(nil).Identify(&p)
		if err != nil || !back.Issued.Equal(who.Issued) || back.Host != who.Host || len(back.Vars) != len(who.Vars) {
			t.Errorf("%+v comes back as %+v, %v", who, back, err)
		}
		v.Identities = append(v.Identities, identityVector{
			Issued: who.Issued.Unix(), Host: who.Host, Vars: who.Vars, GameData: hex.EncodeToString(p.GameData), Digest: hex.EncodeToString(p.VarsDigest[:]),
		})
	}

	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, '\n')
	const path = "../../../protocol/wire/testdata/session.json"
	if *rewrite {
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if have, err := os.ReadFile(path); err != nil || !bytes.Equal(have, text) {
		t.Errorf("session.json is not what this package says (%v): look at it, then run make gen", err)
	}
}
