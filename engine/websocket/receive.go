package websocket

import "slices"

// receive takes bytes of the socket; data is valid until it returns, and scratch. It is called by whoever reads, with
// nothing after Resume.
func (c *Conn) receive(data []byte) {
	kept := len(c.unparsed) > 0
	if kept {
		c.unparsed = append(c.unparsed, data...)
		data = c.unparsed
	}
	if !c.isPaused() {
		data = c.parse(data)
	}
	switch {
	case len(data) == 0:
		c.unparsed = nil
	case kept && len(data)*2 >= cap(c.unparsed):
		c.unparsed = c.unparsed[:copy(c.unparsed, data)]
	default:
		c.unparsed = slices.Clone(data)
	}
}

// parse handles whole frames and returns what is left: the beginning of one, or what comes after a pause.
func (c *Conn) parse(b []byte) []byte {
	for len(b) > 0 && !c.deaf {
		if c.skip > 0 {
			n := min(c.skip, uint64(len(b)))
			b, c.skip = b[n:], c.skip-n
			continue
		}
		h, ok := parseHeader(b)
		if !ok {
			return b
		}
		if problem := h.problem(c.kind != 0); problem != "" {
			c.fail(problem)
			break
		}
		if !h.op.control() && h.length > uint64(c.server.c.MaxMessage-len(c.message)) {
			c.refuse(h.op, h.fin)
			b, c.skip = b[h.size:], h.length
			continue
		}
		if h.length > uint64(len(b)-h.size) {
			return b
		}
		end := h.size + int(h.length)
		payload := b[h.size:end]
		unmask(payload, h.mask)
		b = b[end:]
		if !c.handle(h.op, h.fin, payload) {
			return b
		}
	}
	return nil
}

// handle answers false when reading stops.
func (c *Conn) handle(op opcode, fin bool, payload []byte) (more bool) {
	switch op {
	case opPing:
		c.answerPing(payload)
	case opPong:
		c.heard.Store(int64(c.server.c.Clock.Now()))
	case opClose:
		c.peerClose(payload)
	default:
		return c.data(op, fin, payload)
	}
	return true
}

// data collects fragments and delivers whole messages.
func (c *Conn) data(op opcode, fin bool, payload []byte) (more bool) {
	switch {
	case !fin && op != opContinuation:
		c.kind, c.message = op, slices.Clone(payload)
		return true
	case op == opContinuation:
		c.message = append(c.message, payload...)
		if !fin {
			return true
		}
		op, payload = c.kind, c.message
		c.kind, c.message = 0, nil
	}
	return c.deliver(op == opBinary, payload)
}

func (c *Conn) deliver(binary bool, payload []byte) (more bool) {
	if !c.Open() {
		return true
	}
	if c.received++; c.received >= c.server.c.PingBackoff {
		// A client that talks this much lives: it need not be pinged.
		c.received = 0
		now := int64(c.server.c.Clock.Now())
		c.heard.Store(now)
		c.pinged.Store(now)
	}
	return c.handler.Message(c, binary, payload) || !c.pause()
}

// answerPing queues the pong. Of many pings only the last is answered when the client does not take the pongs.
func (c *Conn) answerPing(payload []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return
	}
	c.pong, c.pongDue = slices.Clone(payload), true
	c.wake()
}

// peerClose answers the client's close frame with its code, or takes it as the answer to ours.
func (c *Conn) peerClose(payload []byte) {
	code, problem := parseClose(payload)
	if problem != "" {
		c.fail(problem)
		return
	}
	c.deaf = true
	c.mu.Lock()
	defer c.mu.Unlock()
	c.peerClosed = true
	c.close(code, "", ErrPeerClosed)
	if c.closeSent {
		c.kill(c.cause)
	}
}

// fail ends a connection whose frames make no sense.
func (c *Conn) fail(problem string) {
	c.deaf = true
	c.mu.Lock()
	defer c.mu.Unlock()
	c.close(CloseProtocol, problem, ErrProtocol)
}

// refuse ends a connection that sends too large a message. The frame is skipped, so that the client's close frame behind
// it is seen.
func (c *Conn) refuse(op opcode, fin bool) {
	switch {
	case fin:
		c.kind = 0
	case op != opContinuation:
		c.kind = op
	}
	c.message = nil
	c.mu.Lock()
	defer c.mu.Unlock()
	c.close(CloseTooBig, "", ErrTooBig)
}
