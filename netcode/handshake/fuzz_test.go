package handshake

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/skirmishgg/skirmish/netcode/seal"
	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// FuzzServer: a stranger's datagram never makes a connection, is never answered by more than it is, and leaves an
// honest client able to connect.
func FuzzServer(f *testing.F) {
	c := mint(f, nil)
	req := request(f, c)
	resp := bytes.Clone(req)
	resp[0] = byte(wire.FormResponse)
	f.Add(req)
	f.Add(resp)
	f.Add([]byte{0x80})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, pkt []byte) {
		s := NewServer(ServerConfig{ID: serverID, TokenKey: tokenKey, Random: random(1), UsedMax: 1})
		var out [wire.MaxDatagram]byte
		reply, accepted := s.Handle(pkt, clientAddr, 0, wall, out[:0])
		if accepted != nil || len(reply) > len(pkt) {
			t.Fatalf("answered by %d bytes, accepted %v", len(reply), accepted)
		}
		client := NewClient(c, random(9))
		for range 2 {
			b, _, _ := client.Next(0)
			if reply, accepted = s.Handle(b, clientAddr, 0, wall, out[:0]); accepted == nil {
				client.Receive(bytes.Clone(reply), serverAddr, 0)
			}
		}
		if accepted == nil {
			t.Fatalf("an honest client is refused: %+v", s.Counters)
		}
	})
}

// FuzzClient: nothing that does not know the keys opens or ends a handshake, at any stage.
func FuzzClient(f *testing.F) {
	f.Add([]byte{0x81}, uint8(0))
	f.Add(make([]byte, wire.ChallengeSize), uint8(0))
	f.Add(bytes.Repeat([]byte{0x83}, 200), uint8(1))
	f.Add([]byte{0x84, 0, 1}, uint8(0))
	f.Add(append([]byte{0x84, 1}, make([]byte, 33)...), uint8(1))
	f.Add(append([]byte{0x85}, make([]byte, 32)...), uint8(0))
	f.Add(bytes.Repeat([]byte{0x87}, 200), uint8(2))
	c := mint(f, nil)
	s := NewServer(ServerConfig{ID: serverID, TokenKey: tokenKey, Random: random(1)})
	challenge, _ := s.Handle(request(f, c), clientAddr, 0, wall, make([]byte, 0, wire.MaxDatagram))
	f.Fuzz(func(t *testing.T, pkt []byte, at uint8) {
		client := NewClient(c, random(9))
		if at%3 == 2 {
			client = NewResume(Resumable{CID: 1, Ticket: []byte{1}, Suite: wire.SuiteAES128GCM, Addr: serverAddr}, random(9))
		}
		client.Next(0)
		if at%3 == 1 {
			client.Receive(bytes.Clone(challenge), serverAddr, 0)
		}
		before := client.stage
		if done, err := client.Receive(bytes.Clone(pkt), serverAddr, 0); done || err != nil || client.stage != before {
			t.Fatalf("%x at stage %d: done %v, err %v", pkt, before, done, err)
		}
	})
}

func FuzzParseAccept(f *testing.F) {
	f.Add([]byte{})
	a := Accept{CID: 1, TickRate: 60, MaxPayload: 1200, Timeout: token.TimeoutMin, Ticket: make([]byte, 169)}
	f.Add(AppendAccept(nil, &a))
	a.Ticket = []byte{1}
	f.Add(AppendAccept(nil, &a))
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, ok := ParseAccept(b); ok && !bytes.Equal(AppendAccept(nil, &a), b) {
			t.Fatal("one ACCEPT has two encodings")
		}
		keys := seal.DeriveResume([32]byte{1}, [16]byte{}, [16]byte{}, wire.SuiteAES128GCM)
		if _, _, ok := OpenAccept(bytes.Clone(b), seal.NewOpener(keys, seal.S2C, schema)); ok {
			t.Fatal("opened what nobody sealed")
		}
	})
}

func FuzzOpenResume(f *testing.F) {
	f.Add(AppendResume(nil, 0x101, make([]byte, 169), &[32]byte{}, wire.SuiteAES128GCM, [16]byte{}, random(1)))
	f.Add(AppendResume(nil, 0x101, make([]byte, 5), &[32]byte{}, wire.SuiteAES128GCM, [16]byte{}, random(1)))
	f.Add([]byte{0x86})
	f.Fuzz(func(t *testing.T, pkt []byte) {
		if _, err := OpenResume(&ticketKey, pkt, wall); err == nil {
			t.Fatal("opened a ticket that nobody sealed")
		}
	})
}

func FuzzReset(f *testing.F) {
	f.Add(data(1))
	f.Add([]byte{0xC0})
	f.Fuzz(func(t *testing.T, pkt []byte) {
		r := NewResetter(&resetKey, [16]byte{}, 1)
		if reply := r.Reply(pkt, netip.AddrPortFrom(clientAddr.Addr(), 1), 0, nil); len(reply) >= len(pkt) && reply != nil {
			t.Fatal("a reset is not smaller than its cause")
		}
		if IsReset(pkt, &[16]byte{1}) && pkt[1] != 1 {
			t.Fatal("a reset that is none")
		}
	})
}
