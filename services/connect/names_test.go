package connect

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// resolver answers when it is told to.
type resolver struct {
	mu    sync.Mutex
	asked map[string]int
	wait  time.Duration
	ip    string // "": nothing is found
}

func (r *resolver) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	r.mu.Lock()
	r.asked[host]++
	wait, ip := r.wait, r.ip
	r.mu.Unlock()
	select {
	case <-time.After(wait):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if ip == "" {
		return nil, errors.New("no such host")
	}
	return []netip.Addr{netip.MustParseAddr(ip)}, nil
}

func (r *resolver) set(ip string, wait time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ip, r.wait = ip, wait
}

func newNames(r *resolver) *names {
	r.asked = map[string]int{}
	return &names{lookup: r.lookup, now: time.Now, known: map[string]*name{}}
}

func (n *names) busy() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.looking
}

// TestNamesAreRefreshed: callers wait for the first answer only; a new one is fetched beside, and an old one is better than
// none.
func TestNamesAreRefreshed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &resolver{ip: "192.0.2.1", wait: time.Second}
		n := newNames(r)
		f := func(after time.Duration, want string, took time.Duration, asked int) {
			t.Helper()
			time.Sleep(after)
			start := time.Now()
			list, err := n.resolve(t.Context(), "a")
			got := fmt.Sprint(err)
			if err == nil {
				got = list[0].String()
			}
			if d := time.Since(start); got != want || d != took {
				t.Errorf("%s after %v, want %s after %v", got, d, want, took)
			}
			synctest.Wait()
			if r.asked["a"] != asked {
				t.Errorf("asked %d times, want %d", r.asked["a"], asked)
			}
		}
		f(0, "192.0.2.1", time.Second, 1)
		f(59*time.Second, "192.0.2.1", 0, 1)
		r.set("192.0.2.2", time.Second)
		f(2*time.Second, "192.0.2.1", 0, 2) // due: looked up beside
		f(2*time.Second, "192.0.2.2", 0, 2)
		r.set("", 0)
		f(2*time.Minute, "192.0.2.2", 0, 3) // not found any more
		f(2*time.Second, "192.0.2.2", 0, 3)
		f(4*time.Second, "192.0.2.2", 0, 4) // tried again after five seconds
	})
}

// TestNamesAreBounded: neither many names nor slow ones cost more than the table; known ones go on.
func TestNamesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &resolver{}
		n := newNames(r)
		for i := range 1000 {
			if _, err := n.resolve(t.Context(), fmt.Sprint("host", i)); err != ErrUnresolved {
				t.Fatal(err)
			}
		}
		if len(n.known) > namesMax {
			t.Errorf("%d names are known", len(n.known))
		}
		if _, err := n.resolve(t.Context(), "host999"); err != ErrUnresolved || r.asked["host999"] != 1 {
			t.Errorf("asked %d times for what was just not found: %v", r.asked["host999"], err)
		}
		r.set("192.0.2.1", time.Hour)
		var callers sync.WaitGroup
		results := make(chan error, 100)
		for i := range 100 {
			callers.Go(func() {
				_, err := n.resolve(t.Context(), fmt.Sprint("slow", i))
				results <- err
			})
		}
		synctest.Wait()
		if busy := n.busy(); busy != lookingMax || len(results) != 100-lookingMax {
			t.Errorf("%d lookups at once, %d callers refused", busy, len(results))
		}
		callers.Wait()
		synctest.Wait()
		if busy := n.busy(); busy != 0 {
			t.Errorf("%d lookups did not end", busy)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := n.resolve(ctx, "late"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a caller that had no time: %v", err)
		}
		time.Sleep(2 * lookupTime)
	})
}
