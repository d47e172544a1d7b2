package seal

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/skirmishgg/skirmish/protocol/wire"
)

var suites = []wire.Suite{wire.SuiteChaCha20Poly1305, wire.SuiteAES128GCM}

var schema = [8]byte{1, 2, 3, 4, 5, 6, 7, 8}

func each(t *testing.T, f func(t *testing.T, keys Keys)) {
	for _, suite := range suites {
		t.Run(fmt.Sprintf("suite%d", suite), func(t *testing.T) {
			f(t, DeriveSession([32]byte{1}, [32]byte{2}, [16]byte{3}, [16]byte{4}, suite))
		})
	}
}

func packet(s *Sealer, pn, acked uint64, text string) []byte {
	pkt := AppendClientHeader(make([]byte, 0, wire.MaxDatagram), 0xA1B2C301, pn, acked)
	n := len(pkt)
	return s.Seal(append(pkt, text...), n, pn)
}

func open(o *Opener, pkt []byte) (string, bool) {
	pkt = bytes.Clone(pkt)
	n, pn, ok := ClientHeader(pkt, o.Largest())
	if !ok {
		return "", false
	}
	text, ok := o.Open(pkt, n, pn)
	return string(text), ok
}

func TestSealOpen(t *testing.T) {
	each(t, func(t *testing.T, keys Keys) {
		s, o := NewSealer(keys, C2S, schema), NewOpener(keys, C2S, schema)
		for pn := range uint64(300) {
			text := fmt.Sprint("packet ", pn)
			pkt := packet(s, pn, pn-min(pn, 20), text)
			if want := 6 + len(text) + wire.TagSize; len(pkt) != want {
				t.Fatalf("%d bytes, want %d", len(pkt), want)
			}
			if got, ok := open(o, pkt); !ok || got != text {
				t.Fatalf("packet %d opens to %q, %v", pn, got, ok)
			}
			if _, ok := open(o, pkt); ok {
				t.Fatalf("packet %d opens twice", pn)
			}
		}
		if want := (OpenCounters{Replayed: 300}); o.Counters != want {
			t.Errorf("counters %+v, want %+v", o.Counters, want)
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	each(t, func(t *testing.T, keys Keys) {
		s, o := NewSealer(keys, C2S, schema), NewOpener(keys, C2S, schema)
		pkt := packet(s, 5, 0, "hello")
		for bit := range 8 * len(pkt) {
			if bit/8 >= 1 && bit/8 < 5 {
				continue // the CID finds the connection; another one has other keys. Authenticated below.
			}
			bad := bytes.Clone(pkt)
			bad[bit/8] ^= 1 << (bit % 8)
			if _, ok := open(o, bad); ok {
				t.Errorf("opens with bit %d flipped", bit)
			}
		}
		bad := bytes.Clone(pkt)
		bad[2] ^= 1
		if _, ok := open(o, bad); ok {
			t.Error("opens with another CID")
		}
		for n := range pkt {
			if _, ok := open(o, pkt[:n]); ok {
				t.Errorf("opens when cut to %d bytes", n)
			}
		}
		if o.Any() || o.Largest() != 0 {
			t.Error("a forgery moved the window")
		}
		if o.Counters.Forged == 0 || o.Counters.Phase == 0 {
			t.Errorf("counters %+v", o.Counters)
		}

		other := schema
		other[7]++
		if _, ok := open(NewOpener(keys, C2S, other), pkt); ok {
			t.Error("opens under another schema")
		}
		if _, ok := open(NewOpener(keys, S2C, schema), pkt); ok {
			t.Error("opens in the other direction")
		}
		if got, ok := open(o, pkt); !ok || got != "hello" {
			t.Errorf("after all forgeries the packet opens to %q, %v", got, ok)
		}
	})
}

func TestOpenTooOld(t *testing.T) {
	keys := DeriveSession([32]byte{}, [32]byte{}, [16]byte{}, [16]byte{}, suites[0])
	s, o := NewSealer(keys, C2S, schema), NewOpener(keys, C2S, schema)
	old := packet(s, 10, 11, "old") // 11 is beyond 10, so the number travels in full
	open(o, packet(s, 10+1024, 0, "new"))
	if _, ok := open(o, old); ok || o.Counters.TooOld != 1 {
		t.Errorf("a packet behind the window: counters %+v", o.Counters)
	}
}

// Both ends pass two epochs; packets that were overtaken by the switch still open, forgeries never switch.
func TestEpochs(t *testing.T) {
	each(t, func(t *testing.T, keys Keys) {
		s, o := NewSealer(keys, C2S, schema), NewOpener(keys, C2S, schema)
		start := uint64(EpochPackets - 3)
		open(o, packet(s, start-1e6, 0, "far"))
		var pkts [][]byte
		for pn := start; pn < start+6; pn++ {
			pkts = append(pkts, packet(s, pn, start-1e6, "text"))
		}
		if pkts[2][0]&wire.DataPhaseBit != 0 || pkts[3][0]&wire.DataPhaseBit == 0 {
			t.Fatal("the phase bit does not follow the epoch")
		}
		forged := bytes.Clone(pkts[3])
		forged[len(forged)-1] ^= 1
		order := []struct {
			pkt []byte
			ok  bool
		}{{pkts[0], true}, {forged, false}, {pkts[1], true}, {pkts[4], true}, {forged, false}, {pkts[2], true},
			{pkts[3], true}, {pkts[3], false}, {pkts[5], true}}
		for i, step := range order {
			if _, ok := open(o, step.pkt); ok != step.ok {
				t.Fatalf("step %d: open %v, want %v; %+v", i, ok, step.ok, o.Counters)
			}
		}
		if o.epoch != 1 {
			t.Fatalf("opener is at epoch %d", o.epoch)
		}
		if _, ok := open(o, packet(s, 2*EpochPackets+1, EpochPackets+5, "epoch 2")); !ok || o.epoch != 2 {
			t.Fatalf("epoch 2 does not open: %+v", o.Counters)
		}
		// Two epochs ahead cannot be honest.
		if _, ok := o.Open(make([]byte, 100), 6, 5*EpochPackets); ok {
			t.Fatal("opened a packet two epochs ahead")
		}
	})
}

func TestSealRefusesReuse(t *testing.T) {
	keys := DeriveSession([32]byte{}, [32]byte{}, [16]byte{}, [16]byte{}, suites[0])
	s := NewSealer(keys, S2C, schema)
	packet(s, 7, 0, "a")
	defer func() {
		if recover() == nil {
			t.Error("a packet number was used twice")
		}
	}()
	packet(s, 7, 0, "b")
}

func TestDeriveSeparates(t *testing.T) {
	a := DeriveSession([32]byte{1}, [32]byte{2}, [16]byte{3}, [16]byte{4}, suites[0])
	seen := map[[32]byte]bool{}
	for _, k := range []Keys{a,
		DeriveSession([32]byte{2}, [32]byte{1}, [16]byte{3}, [16]byte{4}, suites[0]),
		DeriveSession([32]byte{1}, [32]byte{2}, [16]byte{4}, [16]byte{3}, suites[0]),
		DeriveSession([32]byte{1}, [32]byte{2}, [16]byte{3}, [16]byte{4}, suites[1]),
		DeriveResume([32]byte{1}, [16]byte{3}, [16]byte{4}, suites[0]),
	} {
		for _, key := range [][32]byte{k.C2S.Key, k.S2C.Key, k.C2S.Next().Key} {
			if seen[key] {
				t.Fatal("two purposes share a key")
			}
			seen[key] = true
		}
	}
}

func TestBox(t *testing.T) {
	for _, suite := range suites {
		key, salt, aad := [32]byte{1}, [16]byte{2}, []byte("aad")
		box := Box([]byte{9}, suite, &key, salt, []byte("text"), aad)
		if box[0] != 9 || len(box) != 1+4+BoxOverhead {
			t.Fatal("a box does not append")
		}
		box = box[1:]
		if got, ok := OpenBox(nil, suite, &key, box, aad); !ok || string(got) != "text" {
			t.Fatalf("opens to %q, %v", got, ok)
		}
		for bit := range 8 * len(box) {
			bad := bytes.Clone(box)
			bad[bit/8] ^= 1 << (bit % 8)
			if _, ok := OpenBox(nil, suite, &key, bad, aad); ok {
				t.Fatalf("opens with bit %d flipped", bit)
			}
		}
		for n := range box {
			if _, ok := OpenBox(nil, suite, &key, box[:n], aad); ok {
				t.Fatalf("opens when cut to %d bytes", n)
			}
		}
		if _, ok := OpenBox(nil, suite, &key, box, []byte("abd")); ok {
			t.Fatal("opens with other associated data")
		}
	}
}

func TestAllocs(t *testing.T) {
	each(t, func(t *testing.T, keys Keys) {
		s, o := NewSealer(keys, C2S, schema), NewOpener(keys, C2S, schema)
		buf := make([]byte, wire.MaxDatagram)
		var pn uint64
		if n := testing.AllocsPerRun(1000, func() {
			pkt := AppendClientHeader(buf[:0], 0x01020301, pn, pn-min(pn, 5))
			h := len(pkt)
			pkt = s.Seal(pkt[:h+200], h, pn)
			h, got, ok := ClientHeader(pkt, o.Largest())
			if ok {
				_, ok = o.Open(pkt, h, got)
			}
			if !ok {
				t.Fatal("does not open")
			}
			if _, ok := o.Open(pkt, h, got+1); ok { // neither does a refusal
				t.Fatal("forgery opens")
			}
			pn++
		}); n != 0 {
			t.Fatalf("%v allocations a packet", n)
		}
	})
}

// FuzzOpen: whatever arrives is refused, and a refusal leaves the opener able to open the next honest packet.
func FuzzOpen(f *testing.F) {
	keys := DeriveSession([32]byte{1}, [32]byte{2}, [16]byte{3}, [16]byte{4}, wire.SuiteAES128GCM)
	f.Add([]byte{})
	f.Add([]byte{0x40, 1, 0, 0, 0, 0})
	f.Add(bytes.Repeat([]byte{0x47}, 64))
	f.Add(packet(NewSealer(keys, S2C, schema), 0, 0, "the other direction"))
	f.Fuzz(func(t *testing.T, pkt []byte) {
		o := NewOpener(keys, C2S, schema)
		if _, ok := open(o, pkt); ok {
			t.Fatal("opened")
		}
		if n, pn, ok := ServerHeader(pkt, 0); ok {
			if _, ok := o.Open(bytes.Clone(pkt), n, pn); ok {
				t.Fatal("opened")
			}
		}
		if _, ok := OpenBox(nil, wire.SuiteAES128GCM, &keys.C2S.Key, pkt, nil); ok {
			t.Fatal("opened a box")
		}
		if got, ok := open(o, packet(NewSealer(keys, C2S, schema), 0, 0, "honest")); !ok || got != "honest" {
			t.Fatal("an honest packet does not open afterwards")
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	for _, suite := range suites {
		for _, size := range []int{60, 200, 1000} {
			b.Run(fmt.Sprintf("suite%d/%d", suite, size), func(b *testing.B) {
				s := NewSealer(Keys{Suite: suite}, S2C, schema)
				buf := make([]byte, wire.MaxDatagram)
				for pn := uint64(0); b.Loop(); pn++ {
					pkt := AppendServerHeader(buf[:0], pn, pn)
					s.Seal(pkt[:len(pkt)+size], len(pkt), pn)
				}
			})
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, suite := range suites {
		b.Run(fmt.Sprintf("suite%d/200", suite), func(b *testing.B) {
			s, o := NewSealer(Keys{Suite: suite}, C2S, schema), NewOpener(Keys{Suite: suite}, C2S, schema)
			buf := make([]byte, wire.MaxDatagram)
			for pn := uint64(0); b.Loop(); pn++ {
				pkt := AppendClientHeader(buf[:0], 1, pn, pn)
				h := len(pkt)
				pkt = s.Seal(pkt[:h+200], h, pn)
				if _, ok := o.Open(pkt, h, pn); !ok {
					b.Fatal("does not open")
				}
			}
		})
	}
}
