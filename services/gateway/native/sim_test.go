package native_test

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heroiclabs/nakama-common/api"

	"github.com/skirmishgg/skirmish/engine/sim"
	"github.com/skirmishgg/skirmish/netcode/simnet"
	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/protocol/wire"
	"github.com/skirmishgg/skirmish/services/connect"
	"github.com/skirmishgg/skirmish/services/gateway"
	"github.com/skirmishgg/skirmish/services/gateway/native"
	"github.com/skirmishgg/skirmish/services/gateway/worker"
	"github.com/skirmishgg/skirmish/services/session"
)

// raw is the door in a simulation, with a client that can say anything on its streams.
type raw struct {
	*sim.Client
	sim  *sim.Sim
	door *native.Door
	live *session.Live
	back []wire.Call
}

// simulate runs f in virtual time, workers included.
func simulate(t *testing.T, link simnet.LinkConfig, f func(c *raw)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r, live := op.NewRegistry(), session.NewLive()
		op.Add(r, op.Spec{Name: "Echo", ID: opEcho, Auth: op.HTTPKey}, func(_ context.Context, _ op.Caller, in *api.Rpc) (*api.Rpc, error) {
			return &api.Rpc{Id: in.Id, Payload: in.Payload}, nil
		})
		op.Add(r, op.Spec{Name: "Block", ID: opBlock, Auth: op.Session}, func(ctx context.Context, c op.Caller, in *api.Rpc) (*api.Rpc, error) {
			wait, err := time.ParseDuration(in.Payload)
			if err != nil {
				return nil, err
			}
			c.UserID = id.UUID{1}
			live.Kick(c.UserID)
			select {
			case <-time.After(wait):
				return &api.Rpc{Id: "done"}, nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		})
		r.Seal()
		workers := worker.New(4)
		defer workers.Stop()
		c := &raw{live: live}
		c.door = native.New(native.Config{
			Door:    &gateway.Door{Registry: r, Live: c.live, Log: slog.New(slog.NewTextHandler(io.Discard, nil))},
			Workers: workers, Identify: connect.New(connect.Config{}).Identify,
		})
		c.sim = sim.New(sim.Config{Seed: 7, Sessions: c.door, OnStep: time.Sleep})
		c.Client = c.sim.Connect(sim.ClientConfig{
			Up: link, Down: link,
			Token: c.sim.Mint(token.Private{UserID: [16]byte{1}, SessionID: [16]byte{2}, Username: "zoe"}, [8]byte{}),
			Stream: func(_ uint8, msg []byte) {
				call, err := wire.ParseCall(append([]byte(nil), msg...))
				if err != nil {
					t.Error(err)
				}
				c.back = append(c.back, call)
			},
		})
		if !c.sim.Until(5*time.Second, c.Open) {
			t.Fatal(c.Err)
		}
		f(c)
	})
}

// TestMalformedMessagesEndTheSession: those of session.json, and what only a connection can get wrong.
func TestMalformedMessagesEndTheSession(t *testing.T) {
	text, err := os.ReadFile("../../../protocol/wire/testdata/session.json")
	if err != nil {
		t.Fatal(err)
	}
	var v sessionVectors
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	f := func(what string, ch uint8, messages ...[]byte) {
		t.Helper()
		simulate(t, simnet.LinkConfig{}, func(c *raw) {
			for _, msg := range messages {
				if err := c.Peer.SendStream(ch, msg); err != nil {
					t.Fatal(err)
				}
			}
			c.sim.Run(5 * time.Second)
			if c.Closed() != wire.CloseProtocol || c.door.Stats().Malformed != 1 || c.live.Count() != 0 {
				t.Errorf("%s: closed for %d, %+v", what, c.Closed(), c.door.Stats())
			}
		})
	}
	for _, m := range v.Malformed {
		var messages [][]byte
		for _, s := range m.Messages {
			b, err := hex.DecodeString(s)
			if err != nil {
				t.Fatal(err)
			}
			messages = append(messages, b)
		}
		f(m.What, wire.CallChannel, messages...)
	}
	pieces := wire.SplitCall(opEcho, 1, make([]byte, wire.CallPiece+1))
	f("another stream", 5, wire.AppendCall(nil, opEcho, wire.CallWhole, 1))
	f("a request between pieces", wire.CallChannel, pieces[0], wire.AppendCall(nil, opEcho, wire.CallWhole, 2))
}

// TestRefusedRequestsDoNot: the session goes on, and answers in order.
func TestRefusedRequestsDoNot(t *testing.T) {
	simulate(t, simnet.LinkConfig{Delay: 20 * time.Millisecond, Loss: 0.2}, func(c *raw) {
		good, err := codec.Append(nil, codec.FlatBuffers, &api.Rpc{Id: "x"})
		if err != nil {
			t.Fatal(err)
		}
		say := func(messages ...[]byte) {
			for _, msg := range messages {
				if err := c.Peer.SendStream(wire.CallChannel, msg); err != nil {
					t.Fatal(err)
				}
			}
		}
		say(wire.SplitCall(opEcho, 1, good)...)
		say(wire.SplitCall(opEcho, 2, []byte("no table"))...)
		say(wire.SplitCall(opEcho, 3, nil)...)
		say(wire.SplitCall(wire.NumberEnvelope, 4, good)...)
		say(wire.SplitCall(65535, 5, good)...)
		say(wire.SplitCall(65535, 0, good)...) // no answer wanted: no refusal either
		say(wire.SplitCall(opEcho, 6, good)...)
		c.sim.Run(10 * time.Second)
		want := []struct {
			kind wire.CallKind
			code uint32
		}{{wire.CallWhole, 0}, {wire.CallRefused, 3}, {wire.CallRefused, 3}, {wire.CallRefused, 12}, {wire.CallRefused, 12}, {wire.CallWhole, 0}}
		if len(c.back) != len(want) {
			t.Fatalf("%d answers", len(c.back))
		}
		for i, call := range c.back {
			if call.Correlation != uint32(i+1) || call.Kind != want[i].kind || call.Kind == wire.CallRefused && binary.LittleEndian.Uint32(call.Body) != want[i].code {
				t.Errorf("answer %d: %+v", i, call)
			}
		}
		if st := c.door.Stats(); c.Closed() != 0 || st.Unreadable != 2 || st.Unknown != 3 || st.Calls != 7 {
			t.Errorf("closed for %d, %+v", c.Closed(), st)
		}
	})
}

// TestRefusesTokens: a session is somebody's and has an id of its own.
func TestRefusesTokens(t *testing.T) {
	f := func(p token.Private) {
		t.Helper()
		simulate(t, simnet.LinkConfig{}, func(c *raw) {
			other := c.sim.Connect(sim.ClientConfig{Token: c.sim.Mint(p, [8]byte{})})
			c.sim.Run(5 * time.Second)
			if other.Open() || c.door.Stats().Refused != 1 || c.live.Count() != 1 {
				t.Errorf("%+v, %d are live", c.door.Stats(), c.live.Count())
			}
		})
	}
	f(token.Private{SessionID: [16]byte{3}})
	f(token.Private{UserID: [16]byte{1}})
	f(token.Private{UserID: [16]byte{1}, SessionID: [16]byte{2}}) // the id of a session that is open
	f(token.Private{UserID: [16]byte{1}, SessionID: [16]byte{3}, GameData: []byte("of a match")})
}

// TestKickedAmidACall: what ends the session may be the call itself, so its answer is waited for, but not for ever.
func TestKickedAmidACall(t *testing.T) {
	f := func(takes string, answers int, within time.Duration) {
		t.Helper()
		simulate(t, simnet.LinkConfig{Delay: 10 * time.Millisecond}, func(c *raw) {
			for correlation := range uint32(2) { // the second one is not begun
				body, err := codec.Append(nil, codec.FlatBuffers, &api.Rpc{Payload: takes})
				if err != nil {
					t.Fatal(err)
				}
				if err := c.Peer.SendStream(wire.CallChannel, wire.SplitCall(opBlock, correlation+1, body)[0]); err != nil {
					t.Fatal(err)
				}
			}
			ended := c.sim.Until(within, func() bool { return c.Closed() == wire.CloseKicked })
			if !ended || len(c.back) != answers || c.door.Stats().Calls != 1 {
				t.Errorf("a call of %s: ended %v, %d answers, %+v", takes, ended, len(c.back), c.door.Stats())
			}
		})
	}
	f("1s", 1, 2*time.Second)
	f("1h", 0, 7*time.Second)
}
