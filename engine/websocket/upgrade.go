package websocket

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// Upgrade answers an upgrade request, gives c its socket and returns when it lives on its own. When that fails, the
// answer says so in plain text, c ends (its handler's Closed is called), and the error is returned.
// Any origin is accepted; no subprotocol and no extension is agreed on.
func (s *Server) Upgrade(w http.ResponseWriter, r *http.Request, c *Conn) error {
	accept, err := acceptKey(r)
	if err != nil {
		w.Header().Set("Sec-WebSocket-Version", "13")
		return s.refuse(w, c, http.StatusBadRequest, err)
	}
	if !s.add(c) {
		return s.refuse(w, c, http.StatusServiceUnavailable, ErrStopped)
	}
	nc, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return s.refuse(w, c, http.StatusInternalServerError, fmt.Errorf("websocket: take the connection from net/http: %w", err))
	}
	if err := switchProtocols(nc, accept, s.c.WriteWait); err != nil {
		_ = nc.Close()
		err = fmt.Errorf("websocket: send the upgrade's answer: %w", err)
		c.end(err)
		return err
	}
	s.serve(c, nc, alreadyRead(buffered.Reader))
	return nil
}

func (s *Server) refuse(w http.ResponseWriter, c *Conn, status int, err error) error {
	http.Error(w, http.StatusText(status), status)
	c.end(err)
	return err
}

// IsUpgrade reports whether Upgrade would take the request. One that it would not gets 400 "Bad Request" from it.
func IsUpgrade(r *http.Request) bool {
	_, err := acceptKey(r)
	return err == nil
}

// acceptKey checks the request, RFC 6455 section 4.2.1, and gives what the answer must say.
func acceptKey(r *http.Request) (string, error) {
	key := r.Header.Get("Sec-WebSocket-Key")
	nonce, err := base64.StdEncoding.DecodeString(key)
	switch {
	case r.Method != http.MethodGet:
		return "", fmt.Errorf("websocket: method %s", r.Method)
	case !hasToken(r.Header["Connection"], "upgrade"), !hasToken(r.Header["Upgrade"], "websocket"):
		return "", fmt.Errorf("websocket: no upgrade is asked for")
	case !hasToken(r.Header["Sec-Websocket-Version"], "13"):
		return "", fmt.Errorf("websocket: version is not 13")
	case err != nil || len(nonce) != 16:
		return "", fmt.Errorf("websocket: Sec-WebSocket-Key is not 16 bytes")
	}
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:]), nil
}

// hasToken looks for a word in comma lists, in any case of letters.
func hasToken(lines []string, token string) bool {
	for _, line := range lines {
		for word := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(word), token) {
				return true
			}
		}
	}
	return false
}

// switchProtocols sends the 101 and leaves the connection without deadlines.
func switchProtocols(nc net.Conn, accept string, wait time.Duration) error {
	if err := nc.SetDeadline(time.Now().Add(wait)); err != nil {
		return err
	}
	if _, err := nc.Write([]byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept + "\r\n\r\n")); err != nil {
		return err
	}
	return nc.SetDeadline(time.Time{})
}

// alreadyRead are the bytes that net/http took from the socket after the request.
func alreadyRead(r *bufio.Reader) []byte {
	waiting, _ := r.Peek(r.Buffered())
	return append([]byte(nil), waiting...)
}
