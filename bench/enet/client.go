package enet

import (
	"encoding/binary"
	"time"
)

// Commands and flags of ENet 1.3 (enet/protocol.h). All numbers are big-endian.
const (
	cmdAck           = 1
	cmdConnect       = 2
	cmdVerifyConnect = 3
	cmdDisconnect    = 4
	cmdPing          = 5
	cmdReliable      = 6
	cmdUnreliable    = 7
	cmdBandwidth     = 10
	cmdThrottle      = 11
	cmdMask          = 0x0F
	cmdAcknowledge   = 0x80 // the receiver must acknowledge

	flagSentTime = 1 << 15
	peerUnknown  = 0x0FFF
	sessionShift = 12

	pingEvery    = 500 * time.Millisecond // ENET_PEER_PING_INTERVAL
	connectEvery = 250 * time.Millisecond
	acksMax      = 8 // acknowledgements waiting; reliable commands come one a ping
)

// Client is one ENet connection, as far as an unreliable echo needs it.
type Client struct {
	connectID   uint32
	payload     int
	ready       bool
	gone        bool
	peer        uint16 // the server's name for us, with session bits
	unreliable  uint16
	reliable    uint16 // of channel 0xFF, the connection's own
	nextConnect time.Duration
	nextPing    time.Duration
	acks        [acksMax]ack
	ackCount    int
}

type ack struct {
	channel  byte
	sequence uint16
	sentTime uint16
}

// New makes a client that sends payload bytes a tick. Ids must differ between clients of one address.
func New(id uint32, payload int) *Client {
	return &Client{connectID: id, payload: payload, reliable: 1}
}

// Ready reports whether the server has verified the connection.
func (c *Client) Ready() bool { return c.ready && !c.gone }

// Next writes a datagram that is due outside the ticks, or returns 0.
//
//	u16 peer|flags · u16 sent time · CONNECT: 4 B header, u16 peer, u8 u8 sessions, 10 × u32
func (c *Client) Next(dst []byte, now time.Duration) int {
	if c.ready {
		if c.ackCount == 0 || c.peer == peerUnknown {
			return 0
		}
		binary.BigEndian.PutUint16(dst, c.peer)
		return c.appendAcks(dst, 2)
	}
	if now < c.nextConnect {
		return 0
	}
	c.nextConnect = now + connectEvery
	be := binary.BigEndian
	be.PutUint16(dst, peerUnknown|flagSentTime)
	be.PutUint16(dst[2:], millis(now))
	d := dst[4:]
	d[0], d[1] = cmdConnect|cmdAcknowledge, 0xFF
	be.PutUint16(d[2:], 1)
	be.PutUint16(d[4:], 0)    // our own peer index
	d[6], d[7] = 0xFF, 0xFF   // sessions: the server chooses
	be.PutUint32(d[8:], 1392) // mtu
	be.PutUint32(d[12:], 65536)
	be.PutUint32(d[16:], 1)    // channels
	be.PutUint32(d[20:], 0)    // bandwidth in and out: no limit
	be.PutUint32(d[24:], 0)    //
	be.PutUint32(d[28:], 5000) // throttle interval, acceleration, deceleration
	be.PutUint32(d[32:], 32)
	be.PutUint32(d[36:], 0)
	be.PutUint32(d[40:], c.connectID)
	be.PutUint32(d[44:], 0)
	return 4 + 48
}

// Tick writes the tick's datagram: waiting acknowledgements, a ping when due, one unreliable packet.
func (c *Client) Tick(dst []byte, now time.Duration) int {
	if !c.Ready() {
		return 0
	}
	be := binary.BigEndian
	n := 2
	flags := uint16(0)
	if now >= c.nextPing {
		flags, n = flagSentTime, 4
		be.PutUint16(dst[2:], millis(now))
	}
	be.PutUint16(dst, c.peer|flags)
	n = c.appendAcks(dst, n)
	if flags != 0 {
		c.nextPing = now + pingEvery
		c.reliable++
		dst[n], dst[n+1] = cmdPing|cmdAcknowledge, 0xFF
		be.PutUint16(dst[n+2:], c.reliable)
		n += 4
	}
	c.unreliable++
	dst[n], dst[n+1] = cmdUnreliable, 0
	be.PutUint16(dst[n+2:], 0)
	be.PutUint16(dst[n+4:], c.unreliable)
	be.PutUint16(dst[n+6:], uint16(c.payload))
	clear(dst[n+8 : n+8+c.payload])
	return n + 8 + c.payload
}

func (c *Client) appendAcks(dst []byte, n int) int {
	be := binary.BigEndian
	for _, a := range c.acks[:c.ackCount] {
		dst[n], dst[n+1] = cmdAck, a.channel
		be.PutUint16(dst[n+2:], a.sequence)
		be.PutUint16(dst[n+4:], a.sequence)
		be.PutUint16(dst[n+6:], a.sentTime)
		n += 8
	}
	c.ackCount = 0
	return n
}

// Receive takes one datagram and reports whether it carried a packet of the server's tick.
// What does not parse is dropped from there on.
func (c *Client) Receive(pkt []byte, now, _ time.Duration) (tick bool) {
	if len(pkt) < 2 {
		return false
	}
	be := binary.BigEndian
	sentTime := uint16(0)
	at := 2
	if be.Uint16(pkt)&flagSentTime != 0 {
		if len(pkt) < 4 {
			return false
		}
		sentTime, at = be.Uint16(pkt[2:]), 4
	}
	for d := pkt[at:]; len(d) >= 4; {
		size := commandSize(d)
		if size == 0 || size > len(d) {
			return tick
		}
		switch d[0] & cmdMask {
		case cmdVerifyConnect:
			c.peer = be.Uint16(d[4:]) | uint16(d[7]&3)<<sessionShift // d[7]: the session we send under
			if !c.ready {
				c.ready, c.nextPing = true, now+pingEvery
			}
		case cmdUnreliable:
			tick = true
		case cmdDisconnect:
			c.gone = true
		}
		if d[0]&cmdAcknowledge != 0 && c.ackCount < acksMax {
			c.acks[c.ackCount] = ack{d[1], be.Uint16(d[2:]), sentTime}
			c.ackCount++
		}
		d = d[size:]
	}
	return tick
}

// commandSize is the length of the command at the head of d with its data; 0 for one that this client does not expect.
func commandSize(d []byte) int {
	be := binary.BigEndian
	switch d[0] & cmdMask {
	case cmdAck, cmdDisconnect:
		return 8
	case cmdVerifyConnect:
		return 44
	case cmdPing:
		return 4
	case cmdReliable:
		if len(d) >= 6 {
			return 6 + int(be.Uint16(d[4:]))
		}
	case cmdUnreliable:
		if len(d) >= 8 {
			return 8 + int(be.Uint16(d[6:]))
		}
	case cmdBandwidth:
		return 12
	case cmdThrottle:
		return 16
	}
	return 0
}

func millis(now time.Duration) uint16 { return uint16(now.Milliseconds()) }
