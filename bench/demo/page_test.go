package demo

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestWhoIsAnswered: only this machine, by a loopback name, from our own page or from no page at all. The same for the
// page and its stream.
func TestWhoIsAnswered(t *testing.T) {
	page := NewPage()
	page.Close() // so that /events ends at once
	f := func(want bool, remote, host string, headers ...string) {
		t.Helper()
		for _, target := range []string{"GET /", "GET /main.js", "GET /events"} {
			method, path, _ := strings.Cut(target, " ")
			r := httptest.NewRequest(method, path, nil)
			r.RemoteAddr, r.Host = remote, host
			for i := 0; i < len(headers); i += 2 {
				r.Header.Set(headers[i], headers[i+1])
			}
			w := httptest.NewRecorder()
			page.ServeHTTP(w, r)
			if got := w.Code != http.StatusForbidden; got != want {
				t.Errorf("%s from %s for %s %v: status %d", target, remote, host, headers, w.Code)
			}
			if !want && strings.Contains(w.Body.String(), "token-of") {
				t.Errorf("%s from %s for %s %v: got a token", target, remote, host, headers)
			}
		}
	}
	const here, host = "127.0.0.1:50000", "127.0.0.1:7360"
	f(true, here, host)
	f(true, here, "localhost:7360")
	f(true, here, "LOCALHOST:7360")
	f(true, "[::1]:50000", "[::1]:7360")
	f(true, "[::ffff:127.0.0.1]:50000", host)
	f(true, "127.8.8.8:50000", host)
	f(true, here, host, "Origin", "http://127.0.0.1:7360", "Sec-Fetch-Site", "same-origin")
	f(true, here, host, "Sec-Fetch-Site", "none")

	f(false, "192.168.1.7:50000", host)
	f(false, "[fe80::1%eth0]:50000", host)
	f(false, "8.8.8.8:50000", "8.8.8.8:7360")
	f(false, "not an address", host)
	f(false, here, "evil.example:7360") // the name was pointed here after the page had loaded
	f(false, here, "localhost.evil.example")
	f(false, here, "127.0.0.1.evil.example:7360")
	f(false, here, "192.168.1.7:7360")
	f(false, here, "")
	f(false, here, host, "Origin", "http://evil.example")
	f(false, here, host, "Origin", "https://127.0.0.1:7360")
	f(false, here, host, "Origin", "http://127.0.0.1:8080") // another program's page on this machine
	f(false, here, host, "Origin", "null")
	f(false, here, host, "Sec-Fetch-Site", "cross-site")
	f(false, here, host, "Sec-Fetch-Site", "same-site")
}

// stream reads a page's messages as a browser would.
type stream struct {
	t *testing.T
	r *bufio.Reader
}

func watch(t *testing.T, url string) *stream {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second) // then next says that the stream has ended
	t.Cleanup(cancel)
	ask, err := http.NewRequestWithContext(ctx, "GET", url+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.DefaultClient.Do(ask)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Body.Close() })
	if got := r.Header.Get("Content-Type"); r.StatusCode != 200 || got != "text/event-stream" {
		t.Fatalf("status %d, content type %q", r.StatusCode, got)
	}
	return &stream{t, bufio.NewReader(r.Body)}
}

// next returns the next message; kind is "" at the end.
func (s *stream) next() (kind string, data map[string]any) {
	s.t.Helper()
	for {
		line, err := s.r.ReadString('\n')
		if err != nil {
			return "", nil
		}
		if name, ok := strings.CutPrefix(line, "event: "); ok {
			kind = strings.TrimSpace(name)
		}
		if text, ok := strings.CutPrefix(line, "data: "); ok {
			var v any
			if err := json.Unmarshal([]byte(text), &v); err != nil {
				s.t.Fatalf("%s: %v in %s", kind, err, text)
			}
			if m, ok := v.(map[string]any); ok {
				return kind, m
			}
			return kind, map[string]any{"list": v}
		}
	}
}

// TestStream: whoever comes late is told scene, roster and history first, then sees what everybody sees, then the end.
func TestStream(t *testing.T) {
	page := NewPage()
	server := httptest.NewServer(page)
	defer server.Close()
	page.SetScene(fakeScene())
	page.SetRoster(fakeRoster(3))
	for i := range historyMax + 5 {
		page.AddFigures(fakeFigures(i))
	}
	s := watch(t, server.URL)
	if kind, data := s.next(); kind != "scene" || data["rate"] != 60.0 || len(data["walls"].([]any)) != 6 {
		t.Fatalf("first: %s %v", kind, data)
	}
	if kind, data := s.next(); kind != "roster" || len(data["list"].([]any)) != 3 {
		t.Fatalf("second: %s %v", kind, data)
	}
	kind, data := s.next()
	if kind != "history" || len(data["list"].([]any)) != historyMax || data["list"].([]any)[0].(map[string]any)["at"] != 2.5 {
		t.Fatalf("third: %s, %d samples", kind, len(data["list"].([]any)))
	}
	page.AddFrame(newFakeMatch(4).step())
	kind, data = s.next()
	if kind != "frame" || data["t"] != 2.0 || len(data["p"].([]any)) != 4 || len(data["p"].([]any)[0].([]any)) != 10 || len(data["k"].([]any)) != 6 {
		t.Fatalf("then: %s %v", kind, data)
	}
	page.AddFigures(fakeFigures(7))
	if kind, data := s.next(); kind != "figures" || data["at"] != 3.5 || data["tick50"].(float64) < 100 || data["rtt50"].(float64) > 1 {
		t.Fatalf("then: %s %v", kind, data)
	}
	page.Close()
	if kind, _ := s.next(); kind != "end" {
		t.Fatalf("then: %s, want end", kind)
	}
	if kind, _ := s.next(); kind != "" {
		t.Fatalf("after the end: %s", kind)
	}
	if r, err := http.Get(server.URL + "/events"); err != nil || r.StatusCode != 503 {
		t.Errorf("a closed page: %v %v, want 503", r.StatusCode, err)
	}
}

// TestSlowViewer: a browser that does not read loses frames, never figures: when its queue is full it is cut off.
func TestSlowViewer(t *testing.T) {
	h := newHub()
	h.setScene(fakeScene())
	v := h.join()
	m := newFakeMatch(12)
	for range 10 * viewerQueue {
		h.addFrame(m.step())
	}
	select {
	case <-v.gone:
		t.Fatal("cut off for frames")
	default:
	}
	if len(v.messages) != viewerQueue {
		t.Errorf("%d messages wait", len(v.messages))
	}
	h.addFigures(fakeFigures(1))
	select {
	case <-v.gone:
	default:
		t.Fatal("lost figures and was not told")
	}
	h.leave(v) // what its handler does next
	var many []*viewer
	for range viewersMax {
		many = append(many, h.join())
	}
	if many[viewersMax-1] == nil || h.join() != nil {
		t.Errorf("want room for exactly %d viewers", viewersMax)
	}
}

func TestFrameJSON(t *testing.T) {
	nan := float32(0)
	nan /= nan
	f := func(frame Frame, want string) {
		t.Helper()
		if got := string(frame.appendJSON(nil)); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	f(Frame{Tick: 7}, `{"t":7,"p":[],"s":[],"k":[],"e":[],"r":[0,0]}`)
	f(Frame{
		Tick: 4e9, Players: []Player{{ID: 1, Team: 1, Alive: true, X: -1.5, Y: nan, Angle: 3.14159, Health: 1, Armor: 0.5, Kills: 2, Deaths: 3}, {ID: 2}},
		Projectiles: []Projectile{{ID: 9, Kind: 1, X: 2}}, Pickups: []Pickup{{ID: 3, Kind: 2, Ready: true}}, Events: []Event{{Kind: EventKill, By: 1, Of: 2, How: 1}},
		Round: Round{Number: 3, Left: 299, Points: []uint16{4, 5}},
	}, `{"t":4000000000,"p":[[1,1,1,-1.50,0.00,3.14,1.00,0.50,2,3],[2,0,0,0.00,0.00,0.00,0.00,0.00,0,0]],"s":[[9,1,0,2.00,0.00]],"k":[[3,2,0.00,0.00,1]],"e":[[2,1,2,1,0,0.00,0.00,0.00,0.00]],"r":[3,299,4,5]}`)
}

// TestAssets: everything the page asks for is in the binary, and nothing points to another host.
func TestAssets(t *testing.T) {
	server := httptest.NewServer(NewPage())
	defer server.Close()
	f := func(path, kind, want string) {
		t.Helper()
		r, err := http.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		var text strings.Builder
		if _, err := bufio.NewReader(r.Body).WriteTo(&text); err != nil {
			t.Fatal(err)
		}
		if r.StatusCode != 200 || !strings.HasPrefix(r.Header.Get("Content-Type"), kind) || !strings.Contains(text.String(), want) {
			t.Errorf("%s: %d %s", path, r.StatusCode, r.Header.Get("Content-Type"))
		}
		if r.Header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: no content security policy", path)
		}
		for _, word := range []string{"https://", "cdn"} {
			if strings.Contains(text.String(), word) {
				t.Errorf("%s: contains %q", path, word)
			}
		}
	}
	f("/", "text/html", "<title>Skirmish")
	f("/style.css", "text/css", "--focus")
	f("/icon.svg", "image/svg+xml", "<svg")
	for _, js := range []string{"/main.js", "/arena.js", "/board.js", "/chart.js", "/stream.js"} {
		f(js, "text/javascript", "//")
	}
	if r, err := http.Get(server.URL + "/nothing"); err != nil || r.StatusCode != 404 {
		t.Errorf("/nothing: %v %v", r.StatusCode, err)
	}
}
