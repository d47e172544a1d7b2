// Package httpload sends HTTP/1.1 requests over kept-alive connections as fast as they are answered, one at a time a
// connection, and measures how long the answers take. It reads only as much of HTTP as this server and the reference
// speak: a status line, Content-Length, a body.
package httpload

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Request is the bytes of one request: of a client, and the number of it.
type Request func(client, number int) []byte

// Report is what a run saw.
type Report struct {
	Requests int     `json:"requests"`
	PerS     float64 `json:"per_s"`
	P50ms    float64 `json:"p50_ms"`
	P99ms    float64 `json:"p99_ms"`
	Failure  string  `json:"failure"` // the first answer that was not 200
}

// Load is a set of open connections.
type Load struct {
	conns   []*Conn
	request Request
	sent    []int // a connection
}

// Open connects clients to addr.
func Open(addr string, clients int, request Request) (*Load, error) {
	l := &Load{request: request, sent: make([]int, clients)}
	for range clients {
		c, err := Dial(addr)
		if err != nil {
			l.Close()
			return nil, err
		}
		l.conns = append(l.conns, c)
	}
	return l, nil
}

// Close closes the connections.
func (l *Load) Close() {
	for _, c := range l.conns {
		c.Close()
	}
}

// Run sends for a while.
func (l *Load) Run(window time.Duration) (Report, error) {
	type result struct {
		took    []time.Duration
		failure string
		err     error
	}
	results := make([]result, len(l.conns))
	start := time.Now()
	end := start.Add(window)
	var running sync.WaitGroup
	for i, c := range l.conns {
		running.Go(func() { // ends with the window
			r := &results[i]
			for at := start; at.Before(end); {
				status, body, err := c.Do(l.request(i, l.sent[i]))
				l.sent[i]++
				if err != nil {
					r.err = err
					return
				}
				if status != 200 && r.failure == "" {
					r.failure = fmt.Sprintf("%d %s", status, body)
				}
				now := time.Now()
				r.took = append(r.took, now.Sub(at))
				at = now
			}
		})
	}
	running.Wait()
	elapsed := time.Since(start)
	var all []time.Duration
	report := Report{}
	for _, r := range results {
		if r.err != nil {
			return report, r.err
		}
		if report.Failure == "" {
			report.Failure = r.failure
		}
		all = append(all, r.took...)
	}
	slices.Sort(all)
	report.Requests, report.PerS = len(all), float64(len(all))/elapsed.Seconds()
	if len(all) > 0 {
		report.P50ms, report.P99ms = ms(all[len(all)/2]), ms(all[len(all)*99/100])
	}
	return report, nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }

// Conn is one kept-alive connection.
type Conn struct {
	conn net.Conn
	r    *bufio.Reader
	body []byte
}

// Dial connects.
func Dial(addr string) (*Conn, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &Conn{conn: c, r: bufio.NewReaderSize(c, 16<<10)}, nil
}

// Close closes the connection.
func (c *Conn) Close() { _ = c.conn.Close() }

var errNotHTTP = errors.New("httpload: not an answer that this reader knows")

// Do sends a request and reads its answer; body is good until the next Do.
func (c *Conn) Do(request []byte) (status int, body []byte, err error) {
	if _, err := c.conn.Write(request); err != nil {
		return 0, nil, err
	}
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return 0, nil, err
	}
	if len(line) < 12 {
		return 0, nil, errNotHTTP
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, nil, errNotHTTP
	}
	length := -1
	for {
		if line, err = c.r.ReadSlice('\n'); err != nil {
			return 0, nil, err
		}
		if len(line) <= 2 {
			break
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, nil, errNotHTTP
			}
		}
	}
	if length < 0 {
		return 0, nil, errNotHTTP
	}
	c.body = slices.Grow(c.body[:0], length)[:length]
	_, err = io.ReadFull(c.r, c.body)
	return status, c.body, err
}

// Build makes the bytes of a request.
func Build(method, path, authorization string, body []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: bench\r\n", method, path)
	if authorization != "" {
		fmt.Fprintf(&b, "Authorization: %s\r\n", authorization)
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n", len(body))
	b.Write(body)
	return b.Bytes()
}
