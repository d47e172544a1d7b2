package demo

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/bench/arena"
	"github.com/skirmishgg/skirmish/services/config"
	"github.com/skirmishgg/skirmish/services/node"
)

// runDemo runs the demo on free ports until the test ends, which checks that Run ends well.
func runDemo(t *testing.T, bots int) (url string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan string, 1), make(chan error, 1)
	go func() { // ends with cancel
		done <- Run(ctx, Config{
			Node: node.Config{Settings: settings(t), Log: slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))},
			Page: "127.0.0.1:0", Bots: bots, Seed: 1, Out: io.Discard, Ready: func(url string) { ready <- url },
		})
	}()
	select {
	case url = <-ready:
	case err := <-done:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(20 * time.Second):
			t.Error("Run does not return")
		}
	})
	return url
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(b)))
	return len(b), nil
}

// TestRun runs the whole demo without a browser: bots over real UDP show up in the page's stream and move; figures are of
// a live match; the end is told.
func TestRun(t *testing.T) {
	const bots = 6
	url := runDemo(t, bots)
	s := watch(t, url)
	kind, scene := s.next()
	if kind != "scene" || scene["rate"] != float64(arena.Rate) || len(scene["walls"].([]any)) < 10 {
		t.Fatalf("%s %v", kind, scene)
	}
	names := map[string]bool{}
	places, moved := map[float64][2]float64{}, map[float64]bool{}
	seen := func(kind string, data map[string]any) {
		switch kind {
		case "roster":
			for _, n := range data["list"].([]any) {
				names[n.(map[string]any)["name"].(string)] = true
			}
		case "frame":
			for _, row := range data["p"].([]any) {
				p := row.([]any)
				at := [2]float64{p[3].(float64), p[4].(float64)}
				if before, ok := places[p[0].(float64)]; ok && before != at {
					moved[p[0].(float64)] = true
				}
				places[p[0].(float64)] = at
			}
		}
	}
	frames := 0
	for frames < 30 || len(moved) < bots || len(names) < bots {
		kind, data := s.next()
		if kind == "" {
			t.Fatalf("the stream ended after %d frames, %d players that moved, names %v", frames, len(moved), names)
		}
		seen(kind, data)
		if kind == "frame" {
			frames++
		}
	}
	for {
		kind, f := s.next()
		if kind == "" {
			t.Fatal("the stream ended before it had figures of a live match")
		}
		if kind != "figures" || f["players"] != float64(bots) || f["down"].(float64) == 0 {
			continue
		}
		if f["tick50"].(float64) <= 0 || f["tick99"].(float64) < f["tick50"].(float64) || f["late99"].(float64) <= 0 || f["rtt50"].(float64) <= 0 || f["spectators"] != 1.0 {
			t.Errorf("figures %v", f)
		}
		// A client hears one datagram a tick, at least 30 B of it and never 1,200 B in this arena.
		if down, up := f["down"].(float64), f["up"].(float64); down < 30*arena.Rate || down > 1200*arena.Rate || up < 20*arena.Rate*0.9 {
			t.Errorf("%.0f B/s down, %.0f B/s up", down, up)
		}
		break
	}
}

// settings are those of a server on free loopback ports with a fresh data folder.
func settings(t *testing.T) *config.Config {
	t.Helper()
	flags, _ := config.Split([]string{
		"--socket.address=127.0.0.1", "--socket.port=0", "--console.address=127.0.0.1", "--data_dir=" + t.TempDir(), "--udp.shards=1",
	})
	c, err := config.Load(config.Sources{Flags: flags, Generate: true})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRunRefuses(t *testing.T) {
	f := func(c Config, want string) {
		t.Helper()
		c.Out = io.Discard
		c.Ready = func(string) { t.Error("ran") }
		if err := Run(context.Background(), c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want …%s…", err, want)
		}
	}
	f(Config{Bots: 17}, "0 to 16 bots")
	f(Config{Bots: -1}, "0 to 16 bots")
	f(Config{Page: "0.0.0.0:0"}, "loopback only")
	f(Config{Page: "127.0.0.1:0", Node: node.Config{Addr: "nonsense"}}, "nonsense")
}

// TestLiveInBrowser looks at the real thing: twelve bots, seen through a headless browser.
func TestLiveInBrowser(t *testing.T) {
	c := startChrome(t)
	c.open(runDemo(t, 12), 1440, 900, false)
	c.until("the match is live", `document.documentElement.dataset.state === "live" && Number(document.documentElement.dataset.frames) > 60`)
	c.until("twelve bots play", `document.querySelectorAll("#scores tr:not(.empty)").length === 12`)
	c.until("they have names", `[...document.querySelectorAll("#scores button")].every(b => b.textContent && !b.textContent.startsWith("#"))`)
	c.until("they are drawn", colored("#arena", 300))
	c.until("the round is told", `document.querySelector("#round").textContent.startsWith("Round 1")`)
	for _, chart := range []string{"tick", "late", "players", "bytes", "rtt"} {
		c.until(chart+" is drawn", colored(fmt.Sprintf("[data-chart=%s] canvas", chart), 10))
	}
	c.until("they fight", `document.querySelectorAll("#feed li").length > 0`)
	if os.Getenv("SKIRMISH_SHOTS") != "" {
		c.eval(`new Promise(done => setTimeout(done, 12000))`)
		c.shot("7-real")
		c.eval(`document.querySelector("#scores tr button").click()`)
		c.shot("8-real-follow")
	}
	c.silent()
}
