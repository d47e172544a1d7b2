package demo

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// TestPageInBrowser opens the page in a headless browser on a made-up match and follows it through its states: nothing
// yet, live, a player followed, a narrow screen, the server gone, the server back. What is checked is what a person would
// see: words, numbers, and pixels where something is drawn.
func TestPageInBrowser(t *testing.T) {
	c := startChrome(t)
	page := NewPage()
	server := httptest.NewServer(page)
	defer server.Close()
	address := server.Listener.Addr().String()

	c.open(server.URL, 1440, 900, false)
	c.until("the page loads", `document.readyState === "complete" && document.documentElement.dataset.state === "connecting"`)
	c.until("the curtain says so", `document.querySelector("#curtain").innerText.includes("Connecting")`)
	c.shot("1-connecting")

	stop := play(page)
	c.until("frames arrive", `document.documentElement.dataset.state === "live" && Number(document.documentElement.dataset.frames) > 40`)
	c.until("the scoreboard fills", `document.querySelectorAll("#scores tr:not(.empty)").length === 12`)
	c.until("kills are told", `document.querySelectorAll("#feed li").length > 0`)
	c.until("the curtain is gone", `getComputedStyle(document.querySelector("#curtain")).display === "none"`)
	for _, chart := range []string{"tick", "late", "players", "bytes", "rtt"} {
		c.until(chart+" has figures", fmt.Sprintf(`document.querySelector("[data-chart=%s] canvas").getAttribute("aria-label")?.includes("now: ")`, chart))
		c.until(chart+" is drawn", colored(fmt.Sprintf("[data-chart=%s] canvas", chart), 20))
	}
	c.until("both teams are drawn", colored("#arena", 400))
	if got := c.eval(`document.querySelector("#scores tr").innerText`); got == nil || got == "" {
		t.Errorf("first row of the scoreboard: %q", got)
	}
	moves := c.eval(`new Promise(done => { const c = document.querySelector("#arena"), a = c.toDataURL(); setTimeout(() => done(a !== c.toDataURL()), 200); })`)
	if moves != true {
		t.Error("the arena stands still")
	}
	c.eval(`document.querySelector("#scores tr button").click()`)
	c.until("a player is followed", `document.querySelectorAll("#scores tr.follow").length === 1`)
	c.until("a few kills more", `document.querySelectorAll("#feed li").length > 2`)
	c.shot("3-follow")
	c.eval(`dispatchEvent(new KeyboardEvent("keydown", {key: "Escape"}))`)
	c.until("nobody is followed", `document.querySelectorAll("#scores tr.follow").length === 0`)
	c.shot("2-live")
	if wide := c.eval(`document.documentElement.scrollWidth <= innerWidth && document.documentElement.scrollHeight <= innerHeight + 40`); wide != true {
		t.Errorf("1440 × 900 needs scrolling: %v × %v", c.eval("document.documentElement.scrollWidth"), c.eval("document.documentElement.scrollHeight"))
	}
	c.silent()

	c.open(server.URL, 390, 844, true)
	c.until("live on a phone", `document.documentElement.dataset.state === "live" && document.querySelectorAll("#scores tr:not(.empty)").length === 12`)
	c.until("drawn on a phone", colored("#arena", 100))
	if fits := c.eval(`document.documentElement.scrollWidth <= innerWidth`); fits != true {
		t.Errorf("a phone needs scrolling sideways: %v", c.eval("document.documentElement.scrollWidth"))
	}
	c.shot("4-phone")
	c.silent()

	c.open(server.URL, 1440, 900, false)
	c.until("live again", `document.documentElement.dataset.state === "live"`)
	stop()
	c.until("the last frame grows old", `["waiting", "lost"].includes(document.documentElement.dataset.state)`)
	page.Close()
	c.until("the end is told", `document.documentElement.dataset.state === "ended"`)
	server.Close()
	c.shot("5-ended")
	c.silent0()

	// The same address again, as after `make run`: the page finds it by itself.
	again := NewPage()
	s := &http.Server{Addr: address, Handler: again}
	done := make(chan error, 1)
	go func() { done <- s.ListenAndServe() }() // ends with s.Close below
	stop = play(again)
	c.until("the page comes back by itself", `document.documentElement.dataset.state === "live"`)
	stop()
	s.Close()
	<-done
	c.until("a dead server is noticed", `document.documentElement.dataset.state === "lost"`)
	c.shot("6-lost")
}

// silent0 forgets errors that a server that went away must cause.
func (c *chrome) silent0() { c.mu.Lock(); c.problems = nil; c.mu.Unlock() }

// colored is true when at least n pixels of a canvas have a strong colour, as only players, effects and lines do.
func colored(selector string, n int) string {
	return fmt.Sprintf(`(() => { const c = document.querySelector(%q); if (!c.width) return false;
		const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data; let n = 0;
		for (let i = 0; i < d.length; i += 4) if (d[i+3] > 128 && Math.max(d[i], d[i+1], d[i+2]) - Math.min(d[i], d[i+1], d[i+2]) > 90) n++;
		return n >= %d; })()`, selector, n)
}

// play feeds a made-up match into the page at real pace until the returned function is called.
func play(p *Page) (stop func()) {
	p.SetScene(fakeScene())
	p.SetRoster(fakeRoster(12))
	for i := range 200 {
		p.AddFigures(fakeFigures(i))
	}
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		m := newFakeMatch(12)
		frames := time.NewTicker(time.Second / 30)
		defer frames.Stop()
		for i := 0; ; i++ {
			select {
			case <-frames.C:
				p.AddFrame(m.step())
				if i%15 == 0 {
					p.AddFigures(fakeFigures(200 + i/15))
				}
			case <-quit:
				return
			}
		}
	}()
	return func() { close(quit); <-done }
}
