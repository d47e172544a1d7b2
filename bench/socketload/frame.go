package socketload

import (
	"encoding/binary"
	"errors"
	"fmt"
)

const (
	opText   = 0x1
	opBinary = 0x2
	opClose  = 0x8
	opPing   = 0x9
	opPong   = 0xa
)

var errFrame = errors.New("socketload: a frame that no server should send")

// mask is every client's: the server cannot know.
var mask = [4]byte{0x37, 0xfa, 0x21, 0x3d}

// Text is a text message as a client sends it: masked.
func Text(message string) []byte { return client(opText, []byte(message)) }

// Binary is a binary message as a client sends it: masked.
func Binary(message []byte) []byte { return client(opBinary, message) }

func client(op byte, payload []byte) []byte {
	b := []byte{0x80 | op}
	if n := len(payload); n < 126 {
		b = append(b, 0x80|byte(n))
	} else {
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	}
	b = append(b, mask[:]...)
	for i, c := range payload {
		b = append(b, c^mask[i&3])
	}
	return b
}

// Served is a text message as a server sends it.
func Served(message []byte) []byte {
	b := []byte{0x80 | opText}
	if n := len(message); n < 126 {
		b = append(b, byte(n))
	} else {
		b = binary.BigEndian.AppendUint16(append(b, 126), uint16(n))
	}
	return append(b, message...)
}

// next splits the first frame off b; size 0: it is not all there yet.
func next(b []byte) (op byte, payload []byte, size int, err error) {
	if len(b) < 2 {
		return 0, nil, 0, nil
	}
	length, head := uint64(b[1]), 2
	switch length {
	case 126:
		if head = 4; len(b) >= head {
			length = uint64(binary.BigEndian.Uint16(b[2:]))
		}
	case 127:
		if head = 10; len(b) >= head {
			length = binary.BigEndian.Uint64(b[2:])
		}
	}
	if b[0]&0xf0 != 0x80 || b[1]&0x80 != 0 {
		return 0, nil, 0, errFrame
	}
	if len(b) < head {
		return 0, nil, 0, nil
	}
	if length > frameMax {
		return 0, nil, 0, fmt.Errorf("%w: %d bytes", errFrame, length)
	}
	if size = head + int(length); len(b) < size {
		return 0, nil, 0, nil
	}
	return b[0] & 0x0f, b[head:size], size, nil
}

const frameMax = 1 << 20 // bytes; a room of thousands is listed in one message
