package flat

import (
	"bytes"
	"encoding/binary"
	"sort"
	"unicode/utf8"

	"github.com/skirmishgg/skirmish/protocol/errs"
)

// Limits of what Verify takes. Doors have smaller limits for whole messages.
const (
	DepthMax  = 32        // tables within tables; the deepest catalogue message has 5
	TablesMax = 1_000_000 // visits to tables
	BytesMax  = 64 << 20  // a buffer's length

	// Offsets may point at one string or table many times, so a small buffer can stand for a huge message. The bytes
	// visited are bounded: workMin lets small buffers share freely, workFactor is above the 8 that tableWork can make
	// of a table that is not shared (4 B offset + 4 B table).
	workMin    = 1 << 20
	workFactor = 16
	tableWork  = 64 // what a table costs beside its bytes: about the Go struct made of it
)

// kind says what stands in a slot.
type kind uint8

const (
	kGone kind = iota // the field is no more; whatever stands there is not looked at
	k8                // 1, 4 and 8 bytes in the table itself
	k32
	k64
	kMicros // k64 within Timestamp's years
	kText   // offset to a string
	kBlob   // offset to bytes
	kTable  // offset to a table
	kList8  // offset to a vector of 1, 4 and 8 byte scalars
	kList32
	kList64
	kTexts  // offset to a vector of strings
	kTables // offset to a vector of tables
	kMap    // kTables of entries, keys strictly ascending
)

// size is what a slot's value takes within its table.
var size = [...]uint64{k8: 1, k32: 4, k64: 8, kMicros: 8, kText: 4, kBlob: 4, kTable: 4, kList8: 4, kList32: 4, kList64: 4, kTexts: 4, kTables: 4, kMap: 4}

type slot struct {
	kind   kind
	arm    uint8  // bit of the oneof it belongs to, 0: none
	target uint16 // index in tables of what kTable, kTables and kMap refer to
}

type table struct {
	name  string // of the message; tables are sorted by it
	slots []slot
}

const (
	microsMin = -62135596800_000_000 // 0001-01-01T00:00:00Z
	microsMax = 253402300799_999_999 // 9999-12-31T23:59:59.999999Z
)

func refuse(text string) *errs.Error { return errs.New(errs.InvalidArgument, "flatbuffer: "+text) }

var (
	errSize   = refuse("too short or too long")
	errOffset = refuse("offset out of range")
	errVtable = refuse("vtable out of range")
	errSlot   = refuse("field outside of its table")
	errAlign  = refuse("value not aligned")
	errVector = refuse("vector out of range")
	errText   = refuse("text is not UTF-8")
	errEnd    = refuse("string without its end")
	errRange  = refuse("time out of range")
	errArms   = refuse("two fields of one oneof")
	errKey    = refuse("map entry without key")
	errOrder  = refuse("map entries not in ascending order")
	errDepth  = refuse("tables nested too deep")
	errTables = refuse("too many tables")
	errWork   = refuse("offsets share too much")
)

// ErrUnknownTable answers Verify of a name that is no catalogue message.
var ErrUnknownTable = errs.New(errs.Unimplemented, "flatbuffer: no such table")

// Verify checks that data is a whole and harmless table of the message with this full name ("nakama.api.User"):
// what it accepts can be read in full, by any FlatBuffers runtime, without leaving data. Fields beyond those known
// here are not looked at. Refusals are InvalidArgument. Allocates nothing; the work is at most
// max(1 MiB, 16 × len(data)) bytes.
func Verify(data []byte, name string) error {
	i := sort.Search(len(tables), func(i int) bool { return tables[i].name >= name })
	if i == len(tables) || tables[i].name != name {
		return ErrUnknownTable
	}
	return verify(data, &tables[i])
}

func verify(data []byte, t *table) error {
	return verifyAs(data, tables[:], t)
}

// verifyAs takes the list that slots refer to from outside, since no catalogue message is deep enough for a test.
func verifyAs(data []byte, all []table, t *table) error {
	if len(data) < 8 || len(data) > BytesMax {
		return errSize
	}
	v := verifier{data: data, all: all, end: uint64(len(data)), tables: TablesMax, work: max(workMin, workFactor*uint64(len(data)))}
	pos, err := v.follow(0)
	if err == nil {
		err = v.table(pos, t, DepthMax)
	}
	if err != nil {
		return err
	}
	return nil
}

// verifier walks one buffer. Positions are uint64, so that sums of 32-bit values from the buffer cannot wrap.
type verifier struct {
	data   []byte
	all    []table // what slots refer to
	end    uint64
	tables int    // may still be visited
	work   uint64 // bytes that may still be visited
}

func (v *verifier) u16(pos uint64) uint64 { return uint64(binary.LittleEndian.Uint16(v.data[pos:])) }
func (v *verifier) u32(pos uint64) uint64 { return uint64(binary.LittleEndian.Uint32(v.data[pos:])) }

// follow reads the offset at pos, which is in range, and returns where it leads: a place with four bytes to read.
func (v *verifier) follow(pos uint64) (uint64, *errs.Error) {
	offset := v.u32(pos)
	target := pos + offset
	if offset == 0 || target+4 > v.end {
		return 0, errOffset
	}
	if target%4 != 0 {
		return 0, errAlign
	}
	return target, nil
}

func (v *verifier) spend(n uint64) *errs.Error {
	if n > v.work {
		return errWork
	}
	v.work -= n
	return nil
}

func (v *verifier) table(pos uint64, t *table, depth int) *errs.Error {
	if depth == 0 {
		return errDepth
	}
	if v.tables == 0 {
		return errTables
	}
	v.tables--
	vtable, vtableSize, tableSize, err := v.vtable(pos)
	if err != nil {
		return err
	}
	if err := v.spend(tableWork + tableSize); err != nil {
		return err
	}
	var arms uint8
	known := min((vtableSize-4)/2, uint64(len(t.slots)))
	for i := range known {
		offset := v.u16(vtable + 4 + 2*i)
		s := t.slots[i]
		if offset == 0 || s.kind == kGone {
			continue
		}
		if arms&s.arm != 0 {
			return errArms
		}
		arms |= s.arm
		n := size[s.kind]
		if offset < 4 || offset+n > tableSize {
			return errSlot
		}
		if (pos+offset)%n != 0 {
			return errAlign
		}
		if err := v.slot(pos+offset, s, depth); err != nil {
			return err
		}
	}
	return nil
}

// vtable checks the vtable of the table at pos and the table's own extent.
func (v *verifier) vtable(pos uint64) (at, vtableSize, tableSize uint64, err *errs.Error) {
	at = pos - uint64(int64(int32(v.u32(pos)))) // wraps below 0, which is beyond end
	if at >= v.end || at+4 > v.end || at%2 != 0 {
		return 0, 0, 0, errVtable
	}
	vtableSize, tableSize = v.u16(at), v.u16(at+2)
	if vtableSize < 4 || vtableSize%2 != 0 || at+vtableSize > v.end || tableSize < 4 || pos+tableSize > v.end {
		return 0, 0, 0, errVtable
	}
	return at, vtableSize, tableSize, nil
}

// slot checks what stands at pos, which is within its table and aligned.
func (v *verifier) slot(pos uint64, s slot, depth int) *errs.Error {
	switch s.kind {
	case kMicros:
		if us := int64(binary.LittleEndian.Uint64(v.data[pos:])); us < microsMin || us > microsMax {
			return errRange
		}
	case kText:
		_, err := v.text(pos)
		return err
	case kBlob, kList8:
		_, _, err := v.vector(pos, 1)
		return err
	case kList32:
		_, _, err := v.vector(pos, 4)
		return err
	case kList64:
		_, _, err := v.vector(pos, 8)
		return err
	case kTable:
		target, err := v.follow(pos)
		if err != nil {
			return err
		}
		return v.table(target, &v.all[s.target], depth-1)
	case kTexts:
		return v.texts(pos)
	case kTables, kMap:
		return v.list(pos, s, depth)
	}
	return nil
}

// vector checks the vector that the offset at pos leads to.
func (v *verifier) vector(pos, elementSize uint64) (first, count uint64, err *errs.Error) {
	start, err := v.follow(pos)
	if err != nil {
		return 0, 0, err
	}
	first, count = start+4, v.u32(start)
	if count*elementSize > v.end-first {
		return 0, 0, errVector
	}
	if first%elementSize != 0 {
		return 0, 0, errAlign
	}
	return first, count, v.spend(count * elementSize)
}

func (v *verifier) text(pos uint64) ([]byte, *errs.Error) {
	first, n, err := v.vector(pos, 1)
	if err != nil {
		return nil, err
	}
	if first+n >= v.end || v.data[first+n] != 0 {
		return nil, errEnd
	}
	s := v.data[first : first+n]
	if !utf8.Valid(s) {
		return nil, errText
	}
	return s, nil
}

func (v *verifier) texts(pos uint64) *errs.Error {
	first, n, err := v.vector(pos, 4)
	if err != nil {
		return err
	}
	for i := range n {
		if _, err := v.text(first + 4*i); err != nil {
			return err
		}
	}
	return nil
}

// list checks a vector of tables; a map's entries must have keys in strictly ascending order.
func (v *verifier) list(pos uint64, s slot, depth int) *errs.Error {
	first, n, err := v.vector(pos, 4)
	if err != nil {
		return err
	}
	var last []byte
	for i := range n {
		target, err := v.follow(first + 4*i)
		if err != nil {
			return err
		}
		if err := v.table(target, &v.all[s.target], depth-1); err != nil {
			return err
		}
		if s.kind == kTables {
			continue
		}
		key, err := v.key(target)
		if err != nil {
			return err
		}
		if i > 0 && bytes.Compare(last, key) >= 0 {
			return errOrder
		}
		last = key
	}
	return nil
}

// key is slot 0 of a map's entry, a table that has been checked.
func (v *verifier) key(pos uint64) ([]byte, *errs.Error) {
	at, vtableSize, _, err := v.vtable(pos)
	if err != nil {
		return nil, err
	}
	if vtableSize < 6 || v.u16(at+4) == 0 {
		return nil, errKey
	}
	start := pos + v.u16(at+4)
	first := start + v.u32(start) + 4
	return v.data[first : first+v.u32(first-4)], nil
}
