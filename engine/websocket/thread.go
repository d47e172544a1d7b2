package websocket

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

const (
	threadRead  = 4 << 10                // bytes of a reading goroutine's buffer
	threadWrite = 16 << 10               // bytes that get one write deadline, about
	stall       = 100 * time.Millisecond // a Write that takes longer waits for the client, not for its turn on a busy CPU
	calm        = 1 * time.Second        // without a stall or a pause, until a connection goes back to a loop
)

var writeBuffers = sync.Pool{New: func() any { b := make([]byte, 0, threadWrite); return &b }}

// thread gives the connection a reading goroutine, and a writing one when there is something to write.
func (s *Server) thread(c *Conn, nc net.Conn) {
	c.mu.Lock()
	c.home, c.thread, c.room = onThread, nc, make(chan struct{}, 1)
	c.returns, c.busyAt = s.canEnroll(nc), s.c.Clock.Now()
	c.wake()
	c.mu.Unlock()
	go c.read(nc) // ends when the socket is closed or enters a loop; Stop waits for the connection, not for it
}

// wakeThread needs mu.
func (c *Conn) wakeThread() {
	if c.dead {
		// Closing a TLS connection may wait for its last alert to be written.
		go c.thread.Close() // ends within the few seconds that crypto/tls allows
	}
	if c.dead || c.resumed {
		c.wakeReader()
	}
	if !c.writing && !c.dead && c.hasOutput() {
		c.writing = true
		go c.write(c.thread) // ends when nothing waits, or at an error
	}
}

func (c *Conn) wakeReader() {
	select {
	case c.room <- struct{}{}:
	default: // it will look anyway
	}
}

func (c *Conn) hasOutput() bool {
	return len(c.queue) > 0 || len(c.left) > 0 || c.pongDue || c.pingDue
}

// read is the reading goroutine.
func (c *Conn) read(nc net.Conn) {
	cause := c.readAll(nc)
	if cause == nil {
		return // in a loop again
	}
	_ = nc.Close()
	c.end(cause)
}

func (c *Conn) readAll(nc net.Conn) (cause error) {
	buf := make([]byte, threadRead)
	c.receive(nil)
	for {
		if err := c.waitRoom(); err != nil {
			return err
		}
		c.waitWriter()
		if c.returns {
			if c.leaveThread() {
				if c.server.enroll(c, nc) {
					return nil
				}
				c.stayOnThread(nc)
			}
			_ = nc.SetReadDeadline(time.Now().Add(calm))
		}
		n, err := nc.Read(buf)
		c.receive(buf[:n])
		if err != nil && !(c.returns && errors.Is(err, os.ErrDeadlineExceeded)) {
			return err
		}
	}
}

// waitRoom waits for Resume when the handler has enough.
func (c *Conn) waitRoom() error {
	for {
		c.mu.Lock()
		paused, resumed, dead := c.paused, c.resumed, c.dead
		if paused || resumed {
			c.busyAt = c.server.c.Clock.Now()
		}
		c.mu.Unlock()
		switch {
		case dead:
			return ErrClosed
		case resumed:
			c.receive(nil)
		case paused:
			<-c.room
		default:
			return nil
		}
	}
}

// waitWriter gives the writing goroutine its turn when answers come faster than it. It does not wait for a slow client.
func (c *Conn) waitWriter() {
	c.mu.Lock()
	behind := c.writing && !c.dead && !c.stalled() && len(c.queue) >= c.server.c.Queue/2
	c.mu.Unlock()
	if !behind {
		return
	}
	t := time.NewTimer(stall)
	defer t.Stop()
	select {
	case <-c.room:
	case <-t.C:
	}
}

// leaveThread makes the connection ready for a loop when it has been calm.
func (c *Conn) leaveThread() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.calmLocked() {
		return false
	}
	c.home, c.thread = moving, nil
	return true
}

// calmLocked reports whether nothing keeps the connection from a loop. Needs mu.
func (c *Conn) calmLocked() bool {
	return c.returns && !c.paused && !c.writing && !c.closing && !c.dead && !c.hasOutput() && c.server.c.Clock.Now()-c.busyAt >= calm
}

// stayOnThread undoes leaveThread.
func (c *Conn) stayOnThread(nc net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.home, c.thread = onThread, nc
	c.wake()
}

// write is the writing goroutine.
func (c *Conn) write(nc net.Conn) {
	kept := writeBuffers.Get().(*[]byte)
	defer writeBuffers.Put(kept)
	for {
		buf := c.beginWrite(nc, (*kept)[:0])
		if buf == nil {
			return
		}
		if cap(buf) <= 4*threadWrite {
			*kept = buf
		}
		_ = nc.SetWriteDeadline(time.Now().Add(c.server.c.WriteWait)) // fails as the Write will
		if _, err := nc.Write(buf); err != nil {
			c.terminate(err)
			return
		}
		c.wrote()
	}
}

// beginWrite takes what the next Write shall say; nil ends the writing goroutine.
func (c *Conn) beginWrite(nc net.Conn, buf []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stalled() { // the last Write was
		c.busyAt = c.server.c.Clock.Now()
	}
	if !c.dead {
		buf = c.take(buf, threadWrite)
	}
	if len(buf) > 0 {
		c.writeBegan = time.Now()
		c.wakeReader()
		return buf
	}
	c.writing, c.writeBegan = false, time.Time{}
	if c.calmLocked() {
		_ = nc.SetReadDeadline(time.Now()) // the reader shall see that it may go
	}
	return nil
}
