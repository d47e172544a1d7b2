package websocket

import (
	"encoding/binary"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A frame, RFC 6455 section 5.2:
//
//	bit FIN · 3 bits RSV · u4 opcode · bit MASK · u7 length · [u16 or u64 length] · [4 bytes mask] · payload
//
// length 126 says that a u16 follows, 127 a u64. Clients mask, servers do not.
type header struct {
	fin    bool
	rsv    byte // the three bits, in place
	op     opcode
	masked bool
	mask   [4]byte
	length uint64 // of the payload
	size   int    // of the header
}

type opcode byte

const (
	opContinuation opcode = 0x0
	opText         opcode = 0x1
	opBinary       opcode = 0x2
	opClose        opcode = 0x8
	opPing         opcode = 0x9
	opPong         opcode = 0xa
)

const (
	controlMax   = 125 // bytes of a control frame's payload
	reasonMax    = controlMax - 2
	headerOutMax = 10 // without a mask
)

// Close codes that this package sends.
const (
	CloseNormal    = 1000
	CloseGoingAway = 1001
	CloseProtocol  = 1002
	CloseTooBig    = 1009
)

func (o opcode) control() bool { return o >= opClose }

// parseHeader reads the header at the start of b; ok is false while it is incomplete.
func parseHeader(b []byte) (h header, ok bool) {
	if len(b) < 2 {
		return h, false
	}
	h = header{fin: b[0]&0x80 != 0, rsv: b[0] & 0x70, op: opcode(b[0] & 0x0f), masked: b[1]&0x80 != 0, length: uint64(b[1] & 0x7f), size: 2}
	switch h.length {
	case 126:
		h.size += 2
	case 127:
		h.size += 8
	}
	length := b[2:]
	if h.masked {
		h.size += 4
	}
	if len(b) < h.size {
		return h, false
	}
	switch h.length {
	case 126:
		h.length = uint64(binary.BigEndian.Uint16(length))
	case 127:
		h.length = binary.BigEndian.Uint64(length)
	}
	if h.masked {
		h.mask = [4]byte(b[h.size-4 : h.size])
	}
	return h, true
}

// problem is what is wrong with a client's frame, "" when nothing is. fragmented: a message has begun and not ended.
// The words are those that clients of gorilla/websocket servers know.
func (h *header) problem(fragmented bool) string {
	var found []string
	for i, bit := range []byte{0x40, 0x20, 0x10} {
		if h.rsv&bit != 0 {
			found = append(found, "RSV"+strconv.Itoa(i+1)+" set")
		}
	}
	switch h.op {
	case opClose, opPing, opPong:
		if h.length > controlMax {
			found = append(found, "len > 125 for control")
		}
		if !h.fin {
			found = append(found, "FIN not set on control")
		}
	case opText, opBinary:
		if fragmented {
			found = append(found, "data before FIN")
		}
	case opContinuation:
		if !fragmented {
			found = append(found, "continuation after FIN")
		}
	default:
		found = append(found, "bad opcode "+strconv.Itoa(int(h.op)))
	}
	if !h.masked {
		found = append(found, "bad MASK")
	}
	return strings.Join(found, ", ")
}

// unmask undoes a client's masking in place.
func unmask(b []byte, mask [4]byte) {
	word := uint64(binary.LittleEndian.Uint32(mask[:]))
	word |= word << 32
	for len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^word)
		b = b[8:]
	}
	for i := range b {
		b[i] ^= mask[i&3]
	}
}

// appendFrame writes a whole frame as a server sends it.
func appendFrame(dst []byte, op opcode, payload []byte) []byte {
	dst = append(dst, 0x80|byte(op))
	switch n := len(payload); {
	case n < 126:
		dst = append(dst, byte(n))
	case n < 1<<16:
		dst = binary.BigEndian.AppendUint16(append(dst, 126), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, 127), uint64(n))
	}
	return append(dst, payload...)
}

// closePayload is the payload of a close frame: u16 code · reason. Code 0 is a frame that says nothing.
func closePayload(code int, reason string) []byte {
	if code == 0 {
		return nil
	}
	if len(reason) > reasonMax {
		cut := reasonMax
		for cut > 0 && !utf8.RuneStart(reason[cut]) {
			cut--
		}
		reason = reason[:cut]
	}
	return append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...)
}

// parseClose reads a client's close frame. Code 0: it says nothing.
func parseClose(payload []byte) (code int, problem string) {
	switch len(payload) {
	case 0:
		return 0, ""
	case 1:
		return 0, "bad close payload"
	}
	code = int(binary.BigEndian.Uint16(payload))
	switch {
	case code >= 1000 && code <= 1003, code >= 1007 && code <= 1014, code >= 3000 && code <= 4999:
	default:
		return 0, "bad close code " + strconv.Itoa(code)
	}
	if !utf8.Valid(payload[2:]) {
		return 0, "invalid utf8 payload in close frame"
	}
	return code, ""
}
