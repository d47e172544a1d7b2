package flat

import (
	"errors"
	"math/rand/v2"
	"testing"

	flatbuffers "github.com/google/flatbuffers/go"
	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/proto"

	"github.com/skirmishgg/skirmish/protocol/codec/codectest"
	"github.com/skirmishgg/skirmish/protocol/errs"
)

// Each refusal, by the smallest buffer that earns it.
func TestVerifyRefuses(t *testing.T) {
	no := func(want *errs.Error, name string, data []byte) {
		t.Helper()
		if err := Verify(data, name); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", name, err, want)
		}
	}
	build := func(f func(b *flatbuffers.Builder) flatbuffers.UOffsetT) []byte {
		b := flatbuffers.NewBuilder(0)
		b.Finish(f(b))
		return b.FinishedBytes()
	}
	edit := func(data []byte, f func([]byte)) []byte {
		data = append([]byte(nil), data...)
		f(data)
		return data
	}
	const user, envelope, custom = "nakama.api.User", "nakama.realtime.Envelope", "nakama.api.AccountCustom"
	good := mustAppend(t, &api.User{Id: "ab"})
	root := flatbuffers.GetUOffsetT(good)
	if err := Verify(good, user); err != nil {
		t.Fatal(err)
	}

	no(errSize, user, nil)
	no(errSize, user, make([]byte, 7))
	no(errSize, user, make([]byte, BytesMax+1))
	no(errOffset, user, make([]byte, 8))
	no(errOffset, user, edit(good, func(d []byte) { flatbuffers.WriteUOffsetT(d, 0xffffffff) }))
	no(errAlign, user, edit(good, func(d []byte) { flatbuffers.WriteUOffsetT(d, root+2) }))
	no(errVtable, user, edit(good, func(d []byte) { flatbuffers.WriteSOffsetT(d[root:], 1<<30) }))
	no(errVtable, user, edit(good, func(d []byte) { flatbuffers.WriteSOffsetT(d[root:], -1<<31) }))
	no(errVtable, user, edit(good, func(d []byte) { flatbuffers.WriteSOffsetT(d[root:], flatbuffers.GetSOffsetT(d[root:])+1) }))
	vtable := root - flatbuffers.UOffsetT(flatbuffers.GetSOffsetT(good[root:]))
	no(errVtable, user, edit(good, func(d []byte) { flatbuffers.WriteVOffsetT(d[vtable:], 2) }))
	no(errVtable, user, edit(good, func(d []byte) { flatbuffers.WriteVOffsetT(d[vtable:], 0xfffe) }))
	no(errVtable, user, edit(good, func(d []byte) { flatbuffers.WriteVOffsetT(d[vtable+2:], 0xffff) }))
	no(errSlot, user, edit(good, func(d []byte) { flatbuffers.WriteVOffsetT(d[vtable+4:], 2) }))
	no(errSlot, user, edit(good, func(d []byte) { flatbuffers.WriteVOffsetT(d[vtable+4:], 6) }))
	field := root + 4
	no(errOffset, user, edit(good, func(d []byte) { flatbuffers.WriteUOffsetT(d[field:], 0) }))
	no(errOffset, user, edit(good, func(d []byte) { flatbuffers.WriteUOffsetT(d[field:], 0x7ffffffc) }))
	length := field + flatbuffers.GetUOffsetT(good[field:])
	no(errVector, user, edit(good, func(d []byte) { flatbuffers.WriteUOffsetT(d[length:], 0xffffffff) }))
	no(errEnd, user, edit(good, func(d []byte) { d[length+6] = 'x' }))
	no(errEnd, user, edit(good, func(d []byte) { flatbuffers.WriteUOffsetT(d[length:], 4) }))
	no(errText, user, edit(good, func(d []byte) { d[length+4] = 0xff }))

	no(errAlign, "nakama.api.StorageObject", build(func(b *flatbuffers.Builder) flatbuffers.UOffsetT {
		b.StartObject(9)
		b.Prep(8, 4) // the eight bytes come to stand on four
		b.PlaceInt64(1)
		b.Slot(7)
		b.PrependInt32(0)
		b.PrependInt32(0)
		b.Slot(7)
		return b.EndObject()
	}))
	no(errRange, user, build(func(b *flatbuffers.Builder) flatbuffers.UOffsetT {
		b.StartObject(15)
		b.PrependInt64Slot(14, microsMax+1, 0) // create_time
		return b.EndObject()
	}))
	no(errArms, envelope, build(func(b *flatbuffers.Builder) flatbuffers.UOffsetT {
		b.StartObject(0)
		ping := b.EndObject()
		b.StartObject(51)
		b.PrependUOffsetTSlot(31, ping, 0)
		b.PrependUOffsetTSlot(32, ping, 0)
		return b.EndObject()
	}))
	vars := func(keys ...string) []byte {
		return build(func(b *flatbuffers.Builder) flatbuffers.UOffsetT {
			var entries []flatbuffers.UOffsetT
			for _, k := range keys {
				key := flatbuffers.UOffsetT(0)
				if k != "absent" {
					key = b.CreateString(k)
				}
				b.StartObject(2)
				b.PrependUOffsetTSlot(0, key, 0)
				entries = append(entries, b.EndObject())
			}
			list := b.CreateVectorOfTables(entries)
			b.StartObject(2)
			b.PrependUOffsetTSlot(1, list, 0)
			return b.EndObject()
		})
	}
	if err := Verify(vars("", "a", "ab", "b"), custom); err != nil {
		t.Error(err)
	}
	no(errOrder, custom, vars("a", "a"))
	no(errOrder, custom, vars("b", "a"))
	no(errKey, custom, vars("absent"))
}

// A table that refers to its own kind: chains beyond the depth limit and trees of shared children end in refusals,
// not in a stack or an hour.
func TestVerifyBoundsItsWork(t *testing.T) {
	self := []table{{"self", []slot{{kTable, 0, 0}, {kTable, 0, 0}, {kText, 0, 0}, {kTexts, 0, 0}}}}
	chain := func(n, children int) []byte {
		b := flatbuffers.NewBuilder(0)
		var last flatbuffers.UOffsetT
		for range n {
			b.StartObject(4)
			for c := range children {
				b.PrependUOffsetTSlot(c, last, 0)
			}
			last = b.EndObject()
		}
		b.Finish(last)
		return b.FinishedBytes()
	}
	check := func(what string, data []byte, want *errs.Error) {
		t.Helper()
		err := verifyAs(data, self, &self[0])
		if (want == nil) != (err == nil) || want != nil && !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", what, err, want)
		}
	}
	check("32 deep", chain(DepthMax, 1), nil)
	check("33 deep", chain(DepthMax+1, 1), errDepth)
	check("2^29 visits to 30 tables", chain(30, 2), errWork)

	shared := func(refs, length int) []byte {
		b := flatbuffers.NewBuilder(0)
		text := b.CreateString(string(make([]byte, length)))
		b.StartVector(4, refs, 4)
		for range refs {
			b.PrependUOffsetT(text)
		}
		list := b.EndVector(refs)
		b.StartObject(4)
		b.PrependUOffsetTSlot(3, list, 0)
		b.Finish(b.EndObject())
		return b.FinishedBytes()
	}
	check("an id shared by a thousand fields", shared(1000, 36), nil)
	check("64 KiB shared by a thousand fields", shared(1000, 64<<10), errWork)
}

// Whatever one bit or one cut makes of a good buffer is refused or read; nothing panics.
func TestVerifySurvivesDamage(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, mt := range codectest.Types() {
		m := mt.New().Interface()
		codectest.Fill(r, m)
		data := mustAppend(t, m)
		if len(data) > 4096 {
			data = mustAppend(t, mt.New().Interface())
		}
		for cut := range data {
			_ = Decode(data[:cut:cut], mt.New().Interface())
		}
		for range 4 * len(data) {
			bit := r.IntN(8 * len(data))
			data[bit/8] ^= 1 << (bit % 8)
			if got := mt.New().Interface(); Decode(data, got) == nil {
				again := mt.New().Interface()
				if err := Decode(mustAppend(t, got), again); err != nil || !proto.Equal(got, again) {
					t.Fatalf("%v comes back as %v, %v", got, again, err)
				}
			}
			data[bit/8] ^= 1 << (bit % 8)
		}
	}
}

// FuzzDecode: any bytes as any message are refused or read, and what was read can be written and read again.
func FuzzDecode(f *testing.F) {
	types := codectest.Types()
	r := rand.New(rand.NewPCG(9, 10))
	for i, mt := range types {
		m := mt.New().Interface()
		codectest.Fill(r, m)
		f.Add(uint16(i), mustAppend(f, m))
	}
	f.Add(uint16(0), []byte{8, 0, 0, 0, 4, 0, 4, 0, 4, 0, 0, 0})
	f.Fuzz(func(t *testing.T, which uint16, data []byte) {
		mt := types[int(which)%len(types)]
		got := mt.New().Interface()
		err := Decode(data, got)
		if (err == nil) != (Verify(data, string(mt.Descriptor().FullName())) == nil) {
			t.Fatalf("Decode says %v, Verify does not", err)
		}
		if e := (*errs.Error)(nil); err != nil && (!errors.As(err, &e) || e.Code != errs.InvalidArgument) {
			t.Fatalf("no refusal: %v", err)
		}
		if err != nil {
			return
		}
		again := mt.New().Interface()
		if err := Decode(mustAppend(t, got), again); err != nil || !proto.Equal(got, again) {
			t.Fatalf("%v comes back as %v, %v", got, again, err)
		}
	})
}
