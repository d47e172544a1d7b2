package bench

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"fmt"
	"net/netip"
	"runtime"
	"time"

	"github.com/skirmishgg/skirmish/bench/load"
	"github.com/skirmishgg/skirmish/bench/proc"
	"github.com/skirmishgg/skirmish/engine/clock"
	"github.com/skirmishgg/skirmish/engine/udp"
	"github.com/skirmishgg/skirmish/netcode/handshake"
	"github.com/skirmishgg/skirmish/netcode/peer"
	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// transportBatch is datagrams a system call. A Recv that brings fewer has emptied the socket.
const transportBatch = 128

// transportHello is the transport server's first line.
type transportHello struct {
	Addr string `json:"addr"`
	Key  string `json:"key"` // token key, hex: whoever has it can connect
}

// The contender "ours": handshake, seal, peer and udp, without a match.
func oursTransport(e *env) contender {
	return contender{name: "ours", proto: "transport", in: inputBytes, start: func(int) (*proc.Proc, []string, error) {
		var hello transportHello
		p, err := e.server(&hello, "transport")
		return p, []string{"--addr", hello.Addr, "--key", hello.Key}, err
	}}
}

// echoServer is the transport alone: it accepts whoever has a token and answers every input with a snapshot of a
// fixed size, at the tick. It is what engine/shard does around a match, without one.
type echoServer struct {
	// constant after start
	control, socket udp.Socket
	shake           *handshake.Server
	period          time.Duration
	out             int
	drop            bool // forget a peer once it was accepted: for the handshake row
	resetKey        [32]byte
	// owned by the loop
	peers    map[uint32]*echoPeer
	order    []*echoPeer // the same, to serve without a map's order
	now      time.Duration
	tick     uint32
	replies  uint64
	accepted uint64
}

// echoPeer is one client; it is its peer's Handler.
type echoPeer struct {
	*peer.Peer
	asked bool // an input came since the last tick
	input uint32
}

func (p *echoPeer) OnTick(peer.TickInfo)              {}
func (p *echoPeer) OnInput(t peer.TickInfo, _ []byte) { p.asked, p.input = true, t.Tick }
func (p *echoPeer) OnSnapshot(peer.TickInfo, []byte)  {}

func (p *echoPeer) OnEvent(uint8, []byte)     {}
func (p *echoPeer) OnMessage(uint8, []byte)   {}
func (p *echoPeer) OnStream(uint8, []byte)    {}
func (p *echoPeer) OnTicket([32]byte, []byte) {}

// transportServer is the role "transport". It answers "mark" with a proc.Mark whose Ops are client-ticks, or
// handshakes with --drop.
func transportServer(con *proc.Console, args []string) error {
	fs := flag.NewFlagSet("transport", flag.ContinueOnError)
	rate := fs.Int("rate", transportRate, "ticks a second")
	out := fs.Int("out", replyBytes, "bytes a snapshot")
	driver := fs.String("driver", "auto", "of engine/udp")
	drop := fs.Bool("drop", false, "handshakes only: forget every peer once it is accepted")
	if err := fs.Parse(args); err != nil {
		return err
	}
	runtime.LockOSThread()
	runtime.GOMAXPROCS(2) // the loop holds one for itself, as a shard does
	group, err := udp.Open(udp.Config{Addr: "127.0.0.1:0", Shards: 1, Driver: *driver, Batch: transportBatch})
	if err != nil {
		return err
	}
	defer group.Close()
	var tokenKey token.Key
	s := &echoServer{
		control: group.Control(), socket: group.Shard(0), period: time.Second / time.Duration(*rate), out: *out, drop: *drop,
		peers: map[uint32]*echoPeer{},
	}
	_, _ = rand.Read(tokenKey[:])
	_, _ = rand.Read(s.resetKey[:])
	c := handshake.ServerConfig{TokenKey: tokenKey, Random: rand.Reader}
	if s.drop {
		c.UsedMax = handshakeUsedMax
	}
	s.shake = handshake.NewServer(c)
	con.Say(transportHello{Addr: group.LocalAddr().String(), Key: hex.EncodeToString(tokenKey[:])})
	return s.run(con)
}

func (s *echoServer) run(con *proc.Console) error {
	batch := make([]udp.Datagram, transportBatch)
	for deadline := (clock.Real{}).Now() + s.period; ; {
		if s.drop {
			s.control.Wait(deadline)
		} else {
			s.socket.Sleep(deadline)
		}
		command, ok := con.Poll()
		if !ok {
			return nil
		}
		if command != "" {
			con.Say(proc.Now(max(s.replies, s.accepted*b2u(s.drop))))
		}
		s.now = clock.Real{}.Now()
		if err := s.drain(batch); err != nil {
			return err
		}
		if s.now < deadline {
			continue
		}
		deadline += s.period
		s.step()
	}
}

func b2u(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

func (s *echoServer) drain(batch []udp.Datagram) error {
	for {
		n, err := s.control.Recv(batch)
		if err != nil {
			return err
		}
		for i := range batch[:n] {
			s.greet(&batch[i])
		}
		if n < len(batch) {
			break
		}
	}
	if err := s.control.Flush(); err != nil {
		return err
	}
	for {
		n, err := s.socket.Recv(batch)
		if err != nil {
			return err
		}
		for i := range batch[:n] {
			d := &batch[i]
			if len(d.Buf) < wire.MinClientData {
				continue
			}
			if p := s.peers[binary.LittleEndian.Uint32(d.Buf[1:])]; p != nil {
				p.Receive(d.Buf, d.From, s.now, p)
			}
		}
		if n < len(batch) {
			return nil
		}
	}
}

// greet answers a handshake datagram and makes the peer of one that ends well.
func (s *echoServer) greet(d *udp.Datagram) {
	reply, accepted := s.shake.Handle(d.Buf, d.From, s.now, time.Now(), s.control.Buffer()[:0])
	if accepted == nil {
		if len(reply) > 0 {
			s.control.Queue(len(reply), d.From)
		}
		return
	}
	cid := uint32(accepted.Route)
	if !accepted.Again {
		s.accepted++
		cid = uint32(s.accepted)<<8 | 1
		s.shake.SetRoute(accepted, uint64(cid))
		p := &echoPeer{Peer: peer.New(peer.Config{
			Server: true, Keys: accepted.Keys, Schema: accepted.Schema, CID: cid, Addr: d.From, Timeout: accepted.Private.Timeout, Random: rand.Reader,
			ResetToken: func(cid uint32, a netip.Addr) [16]byte { return handshake.ResetToken(&s.resetKey, cid, a) },
		}, s.now)}
		s.accept(p, accepted)
		if s.drop {
			return
		}
		s.peers[cid] = p
		s.order = append(s.order, p)
		return
	}
	if p := s.peers[cid]; p != nil {
		s.accept(p, accepted)
	}
}

func (s *echoServer) accept(p *echoPeer, a *handshake.Accepted) {
	n := p.Accept(s.control.Buffer(), &handshake.Accept{
		CID: p.CID(), TickRate: uint16(time.Second / s.period), ServerTick: s.tick, MaxPayload: wire.MaxDatagram,
		Timeout: a.Private.Timeout, ResetToken: handshake.ResetToken(&s.resetKey, p.CID(), a.From.Addr()), Ticket: []byte{0},
	}, s.now)
	s.control.Queue(n, a.From)
}

// step answers everyone who asked.
func (s *echoServer) step() {
	s.tick++
	for _, p := range s.order {
		if p.asked {
			p.asked = false
			p.Begin(s.socket.Buffer(), s.now, peer.TickInfo{Valid: true, Tick: s.tick, BaselineDelta: 1, InputDelta: 0})
			body := p.Tail(wire.FrameSnapshot)
			clear(body[:s.out])
			s.socket.Queue(p.Finish(s.out), p.Addr())
			s.replies++
		}
		p.Service(s.now, s.socket)
	}
	_ = s.socket.Flush()
}

// minter makes tokens for the server that holds key.
func minter(key string, addr netip.AddrPort) (func() (*token.Connect, error), error) {
	var k token.Key
	if n, err := hex.Decode(k[:], []byte(key)); err != nil || n != len(k) {
		return nil, fmt.Errorf("token key %q", key)
	}
	return func() (*token.Connect, error) {
		return token.Mint(&k, token.Private{Suite: wire.SuiteAES128GCM, MatchID: [16]byte{1}, Timeout: 10 * time.Second},
			token.Options{Expiry: time.Now().Add(wire.TokenLifetime), Addresses: []netip.AddrPort{addr}, Random: rand.Reader})
	}, nil
}

// transportLoad is the generator's clients for the transport row.
func transportLoad(key string, addr netip.AddrPort, in int) (func(int) (load.Protocol, error), error) {
	mint, err := minter(key, addr)
	if err != nil {
		return nil, err
	}
	return func(int) (load.Protocol, error) { return load.NewTransport(addr, mint, &load.Blob{Bytes: in}), nil }, nil
}
