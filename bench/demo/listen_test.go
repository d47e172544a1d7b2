package demo

import (
	"net"
	"net/http"
	"strings"
	"testing"
)

func TestListen(t *testing.T) {
	refused := func(addr, want string) {
		t.Helper()
		if l, err := listen(addr); err == nil {
			l.Close()
			t.Errorf("%s: opened", addr)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want …%s…", addr, err, want)
		}
	}
	refused("0.0.0.0:0", "loopback only")
	refused(":0", "loopback only")
	refused("[::]:0", "loopback only")
	refused("192.168.1.2:0", "loopback only")
	refused("example.com:80", "loopback only")
	refused("7360", "host:port")

	l, err := listen("localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	refused(l.Addr().String(), "open the page's port")
	l.Close()
	first, err := listen("")
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	second, err := listen("") // the default port is taken now
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if !second.Addr().(*net.TCPAddr).IP.IsLoopback() {
		t.Errorf("fell back to %s", second.Addr())
	}
}

// TestServeStops: a watching browser gets the last word, and stop returns although it has not gone away.
func TestServeStops(t *testing.T) {
	l, err := listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	page := NewPage()
	stop := serve(l, page)
	page.SetScene(fakeScene())
	s := watch(t, "http://"+l.Addr().String())
	if kind, _ := s.next(); kind != "scene" {
		t.Fatal(kind)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if kind, _ := s.next(); kind != "end" {
		t.Errorf("%q, want end", kind)
	}
	if _, err := http.Get("http://" + l.Addr().String()); err == nil {
		t.Error("still answers")
	}
}
