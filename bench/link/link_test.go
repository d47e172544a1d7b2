package link

import (
	"errors"
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/netcode/simnet"
)

const ms = time.Millisecond

func open(t *testing.T, c Config) *Link {
	t.Helper()
	l, err := Open(c)
	var lacks *MissingError
	if errors.As(err, &lacks) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// pair is a TCP connection through the link, whose far end echoes.
func pair(t *testing.T, l *Link) net.Conn {
	t.Helper()
	var listener net.Listener
	if err := l.Far(func() (err error) {
		listener, err = net.Listen("tcp4", net.JoinHostPort(FarAddr.String(), "0"))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() { // ends with the connection
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.Copy(conn, conn)
	}()
	var conn net.Conn
	if err := l.Near(func() (err error) {
		conn, err = net.DialTimeout("tcp4", listener.Addr().String(), 10*time.Second)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	return conn
}

func TestTCPThroughDelay(t *testing.T) {
	l := open(t, Config{Up: simnet.LinkConfig{Delay: 10 * ms}, Down: simnet.LinkConfig{Delay: 15 * ms}})
	conn := pair(t, l)
	least := time.Hour
	var p [100]byte
	for range 10 {
		sent := time.Now()
		if _, err := conn.Write(p[:]); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(conn, p[:]); err != nil {
			t.Fatal(err)
		}
		rtt := time.Since(sent)
		if rtt < 25*ms {
			t.Fatalf("round trip in %v", rtt)
		}
		least = min(least, rtt)
	}
	if least > 40*ms {
		t.Errorf("no round trip under %v", least)
	}
	st := l.Stats()
	t.Logf("25 ms link: best round trip %v; %+v", least, st)
	if st.Up.Sent < 12 || st.Down.Sent < 11 || st.Refused != 0 {
		t.Errorf("%+v", st)
	}
}

// Every byte arrives whatever the link does: TCP really runs through it, and pays for it.
func TestTCPThroughLoss(t *testing.T) {
	bad := simnet.LinkConfig{Delay: ms, Loss: 0.03, Duplicate: 0.03, Reorder: 0.03, ReorderBy: ms, Corrupt: 0.01}
	l := open(t, Config{Up: bad, Down: bad, Seed: 1})
	conn := pair(t, l)
	sent := make([]byte, 200<<10)
	for i := range sent {
		sent[i] = byte(i * 7 >> 3)
	}
	go func() { _, _ = conn.Write(sent) }()
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(conn, got); err != nil {
		t.Fatal(err)
	}
	for i := range got {
		if got[i] != sent[i] {
			t.Fatalf("byte %d differs", i)
		}
	}
	if st := l.Stats(); st.Up.Lost == 0 || st.Up.Duplicated == 0 || st.Up.Reordered == 0 || st.Down.Sent == 0 {
		t.Errorf("%+v", st)
	}
}

func TestMissingErrorSpeaks(t *testing.T) {
	err := error(&MissingError{Needs: "CAP_SYS_ADMIN, to make network namespaces", Err: errors.New("operation not permitted")})
	if got := err.Error(); got != "bench link needs CAP_SYS_ADMIN, to make network namespaces: operation not permitted" {
		t.Error(got)
	}
	if runtime.GOOS != "linux" {
		if _, err := Open(Config{}); err == nil {
			t.Error("opened")
		}
	}
	if _, err := Open(Config{Up: simnet.LinkConfig{Loss: 7}}); err == nil {
		t.Error("a loss of 700 % was accepted")
	}
}
