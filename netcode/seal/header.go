package seal

import (
	"encoding/binary"

	"github.com/skirmishgg/skirmish/netcode/seq"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// MaxHeader is the longest header Seal and Open take: RESUMED's form, server random and packet number.
const MaxHeader = 1 + 16 + 4

// EpochPackets is how many packets share a key.
const EpochPackets = 1 << epochShift

const epochShift = 30

// Epoch is the key epoch of a packet number.
func Epoch(pn uint64) uint64 { return pn >> epochShift }

// AppendClientHeader appends the header of a data datagram to the server.
//
//	u8 form · u32 CID · 1-4 B packet number
func AppendClientHeader(dst []byte, cid uint32, pn, largestAcked uint64) []byte {
	n := seq.PacketNumberLen(pn, largestAcked)
	dst = append(dst, form(pn, n))
	dst = binary.LittleEndian.AppendUint32(dst, cid)
	return seq.AppendPacketNumber(dst, pn, n)
}

// AppendServerHeader appends the header of a data datagram to a client.
//
//	u8 form · 1-4 B packet number
func AppendServerHeader(dst []byte, pn, largestAcked uint64) []byte {
	n := seq.PacketNumberLen(pn, largestAcked)
	return seq.AppendPacketNumber(append(dst, form(pn, n)), pn, n)
}

func form(pn uint64, n int) byte {
	f := byte(wire.FormData) | byte(n-1)
	if Epoch(pn)&1 != 0 {
		f |= wire.DataPhaseBit
	}
	return f
}

// ClientHeader reads the header of a data datagram from a client. largest is what the connection's Opener holds, so
// look the CID up first: it is bytes 1 to 4. ok is false when pkt is no data datagram or too short to hold a tag.
func ClientHeader(pkt []byte, largest uint64) (headerLen int, pn uint64, ok bool) {
	return parseHeader(pkt, 1+4, largest)
}

// ServerHeader reads the header of a data datagram from a server.
func ServerHeader(pkt []byte, largest uint64) (headerLen int, pn uint64, ok bool) {
	return parseHeader(pkt, 1, largest)
}

func parseHeader(pkt []byte, fixed int, largest uint64) (headerLen int, pn uint64, ok bool) {
	if len(pkt) == 0 || !wire.IsData(pkt[0]) {
		return 0, 0, false
	}
	n := int(pkt[0]&wire.DataLenMask) + 1
	headerLen = fixed + n
	if len(pkt) < headerLen+wire.TagSize {
		return 0, 0, false
	}
	return headerLen, seq.Rebuild(seq.ReadPacketNumber(pkt[fixed:], n), n, largest), true
}
