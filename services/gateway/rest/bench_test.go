package rest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/gateway/gatewaytest"
)

// BenchmarkCall is a whole storage read over a loopback connection, with an operation that knows its answer. The client
// only writes fixed bytes and reads up to the length it is told, so nearly all CPU is the server's and the kernel's.
func BenchmarkCall(b *testing.B) {
	for _, accept := range []string{"identity", "gzip"} {
		b.Run(accept, func(b *testing.B) { benchmarkCall(b, accept) })
	}
}

func benchmarkCall(b *testing.B, accept string) {
	c := gatewaytest.New(b, nil)
	now := timestamppb.Now()
	objects := &api.StorageObjects{Objects: []*api.StorageObject{{
		Collection: "saves", Key: "slot1", UserId: al.String(), Value: `{"level":12,"gold":3400,"items":["sword","shield"]}`,
		Version: "d41d8cd98f00b204e9800998ecf8427e", PermissionRead: 1, PermissionWrite: 1, CreateTime: now, UpdateTime: now,
	}}}
	c.Answer(func(context.Context, op.Caller, proto.Message) (proto.Message, error) {
		c.Calls()
		return objects, nil
	})
	server := Server(Config{Door: c.Door, RPC: c.RPC, MaxRequestBytes: 256 << 10})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go func() { _ = server.Serve(l) }() // ended by Close
	defer func() { _ = server.Close() }()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	body := `{"object_ids":[{"collection":"saves","key":"slot1","user_id":"` + al.String() + `"}]}`
	request := fmt.Appendf(nil, "POST /v2/storage HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\nContent-Type: application/json\r\n"+
		"Accept-Encoding: %s\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s", accept, c.Token(b, al, "al", nil), len(body), body)
	reader := bufio.NewReader(conn)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := conn.Write(request); err != nil {
			b.Fatal(err)
		}
		if err := skipAnswer(reader); err != nil {
			b.Fatal(err)
		}
	}
}

var lengthHeader = []byte("Content-Length: ")

func skipAnswer(r *bufio.Reader) error {
	length := 0
	for first := true; ; first = false {
		line, err := r.ReadSlice('\n')
		switch {
		case err != nil:
			return err
		case first && !bytes.Contains(line, []byte(" 200 ")):
			return fmt.Errorf("answer %q", line)
		case len(line) == 2:
			_, err := r.Discard(length)
			return err
		}
		if n, ok := bytes.CutPrefix(line, lengthHeader); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(n))); err != nil {
				return err
			}
		}
	}
}

// BenchmarkHandler is what this package adds to net/http.
func BenchmarkHandler(b *testing.B) {
	c := gatewaytest.New(b, nil)
	c.Answer(func(context.Context, op.Caller, proto.Message) (proto.Message, error) {
		c.Calls()
		return &api.StorageObjects{}, nil
	})
	h := New(Config{Door: c.Door, RPC: c.RPC, MaxRequestBytes: 256 << 10})
	body := strings.NewReader("")
	r, err := http.NewRequestWithContext(b.Context(), "GET", "/v2/storage/saves?limit=10&user_id=x", nil)
	if err != nil {
		b.Fatal(err)
	}
	r.RemoteAddr = "192.0.2.1:1"
	r.Header.Set("Authorization", "Bearer "+c.Token(b, al, "al", nil))
	r.Body = io.NopCloser(body)
	w := discard{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		h.ServeHTTP(w, r)
	}
}

type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}
