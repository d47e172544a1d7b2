package websocket_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/skirmishgg/skirmish/engine/websocket"
)

// An idle connection costs no goroutine and little memory, after it has talked as before.
func TestIdle(t *testing.T) {
	const connections = 2000
	h := start(t, websocket.Config{Loops: 2}, echo)
	heap := func() uint64 {
		var m runtime.MemStats
		for range 3 { // pools are emptied by the second
			runtime.GC()
		}
		runtime.ReadMemStats(&m)
		return m.HeapAlloc + m.StackInuse
	}
	goroutines, before := runtime.NumGoroutine(), heap()
	clients := make([]*client, connections)
	for i := range clients {
		clients[i] = h.dial()
		clients[i].send(text("hello"))
		clients[i].want(ws.OpText, "hello")
		clients[i].r = nil // the client's 4 KB
		h.conn()
	}
	for h.server.Count() != connections {
		runtime.Gosched()
	}
	each := int64(heap()-before) / connections
	t.Logf("%d bytes a connection, with the client's end", each)
	if each > 6<<10 {
		t.Errorf("%d bytes a connection", each)
	}
	deadline := time.Now().Add(patience) // net/http's take a moment to end
	for runtime.NumGoroutine() > goroutines+20 {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines for %d connections", runtime.NumGoroutine(), connections)
		}
		runtime.Gosched()
	}
}
