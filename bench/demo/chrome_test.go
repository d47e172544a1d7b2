package demo

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// chrome is a headless browser, driven over its debugging pipe: JSON messages that end in NUL, on file descriptors 3 and
// 4. No port is opened and no driver installed.
type chrome struct {
	t       *testing.T
	in      *os.File
	session string
	loaded  chan struct{} // a page has fired its load event

	mu       sync.Mutex
	id       int
	waiting  map[int]chan reply
	problems []string // exceptions and errors that the page's console got
}

type reply struct {
	Result json.RawMessage
	Error  *struct{ Message string }
}

func startChrome(t *testing.T) *chrome {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		t.Fatal("The demo page's test needs a browser: apt-get install chromium (or put google-chrome in PATH).")
	}
	theirs, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, theirsOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "--headless", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic",
		"--no-first-run", "--no-default-browser-check", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--disable-extensions", "--mute-audio", "--hide-scrollbars", "--no-proxy-server", "--user-data-dir="+t.TempDir(), "about:blank")
	cmd.ExtraFiles = []*os.File{theirs, theirsOut}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	theirs.Close()
	theirsOut.Close()
	c := &chrome{t: t, in: in, waiting: map[int]chan reply{}, loaded: make(chan struct{}, 1)}
	done := make(chan struct{})
	go func() { // ends when the browser closes its side
		defer close(done)
		c.read(out)
	}()
	t.Cleanup(func() {
		c.send("Browser.close", nil)
		ended := make(chan struct{})
		go func() { defer close(ended); _ = cmd.Wait() }()
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
		in.Close()
		out.Close()
		<-done
	})
	var target struct{ TargetID string }
	c.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	c.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	c.session = attached.SessionID
	c.call("Runtime.enable", nil, nil)
	c.call("Log.enable", nil, nil)
	c.call("Page.enable", nil, nil)
	return c
}

func (c *chrome) read(out *os.File) {
	r := bufio.NewReaderSize(out, 1<<20)
	for {
		text, err := r.ReadBytes(0)
		if err != nil {
			return
		}
		var m struct {
			ID     int
			Method string
			Params struct {
				ExceptionDetails struct {
					Text      string
					Exception struct{ Description string }
				}
				Entry struct{ Level, Text, URL string }
			}
			reply
		}
		if json.Unmarshal(bytes.TrimSuffix(text, []byte{0}), &m) != nil {
			continue
		}
		c.mu.Lock()
		switch {
		case m.Method == "Page.loadEventFired":
			select {
			case c.loaded <- struct{}{}:
			default:
			}
		case m.Method == "Runtime.exceptionThrown":
			c.problems = append(c.problems, m.Params.ExceptionDetails.Text+" "+m.Params.ExceptionDetails.Exception.Description)
		case m.Method == "Log.entryAdded" && m.Params.Entry.Level == "error":
			c.problems = append(c.problems, m.Params.Entry.Text+" "+m.Params.Entry.URL)
		case m.ID != 0:
			if w := c.waiting[m.ID]; w != nil {
				w <- m.reply
				delete(c.waiting, m.ID)
			}
		}
		c.mu.Unlock()
	}
}

func (c *chrome) send(method string, params any) chan reply {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.id++
	message := map[string]any{"id": c.id, "method": method}
	if params != nil {
		message["params"] = params
	}
	if c.session != "" && !strings.HasPrefix(method, "Browser.") {
		message["sessionId"] = c.session
	}
	text, _ := json.Marshal(message)
	answer := make(chan reply, 1)
	c.waiting[c.id] = answer
	_, _ = c.in.Write(append(text, 0))
	return answer
}

func (c *chrome) call(method string, params, result any) {
	c.t.Helper()
	select {
	case r := <-c.send(method, params):
		if r.Error != nil {
			c.t.Fatalf("%s: %s", method, r.Error.Message)
		}
		if result != nil {
			if err := json.Unmarshal(r.Result, result); err != nil {
				c.t.Fatalf("%s: %v", method, err)
			}
		}
	case <-time.After(45 * time.Second):
		c.t.Fatalf("%s: the browser does not answer", method)
	}
}

func (c *chrome) open(url string, width, height int, phone bool) {
	c.t.Helper()
	c.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone}, nil)
	select {
	case <-c.loaded: // of the page before
	default:
	}
	c.call("Page.navigate", map[string]any{"url": url}, nil)
	select {
	case <-c.loaded:
	case <-time.After(20 * time.Second):
		c.t.Fatalf("%s does not load", url)
	}
}

// eval returns what a JavaScript expression is in the page; promises are waited for.
func (c *chrome) eval(expression string) any {
	c.t.Helper()
	var r struct {
		Result           struct{ Value any }
		ExceptionDetails *struct{ Exception struct{ Description string } }
	}
	c.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}, &r)
	if r.ExceptionDetails != nil {
		c.t.Fatalf("%s: %s", expression, r.ExceptionDetails.Exception.Description)
	}
	return r.Result.Value
}

// until waits, in the browser's own frames, for an expression to become true.
func (c *chrome) until(what, expression string) {
	c.t.Helper()
	poll := fmt.Sprintf(`new Promise(done => {
		const begin = performance.now();
		const look = () => { if (%s) done(true); else if (performance.now() - begin > 30000) done(false); else setTimeout(look, 30); };
		look();
	})`, expression)
	if c.eval(poll) != true {
		c.t.Fatalf("%s: not within 30 s; the page says %v", what, c.eval("document.body.innerText"))
	}
}

// shot writes a picture of the page into the folder that SKIRMISH_SHOTS names, for people.
func (c *chrome) shot(name string) {
	c.t.Helper()
	dir := os.Getenv("SKIRMISH_SHOTS")
	if dir == "" {
		return
	}
	c.eval(`new Promise(done => setTimeout(done, 1200))`) // cameras and fades come to rest
	var r struct{ Data string }
	c.call("Page.captureScreenshot", map[string]any{"format": "png"}, &r)
	png, err := base64.StdEncoding.DecodeString(r.Data)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/"+name+".png", png, 0o644); err != nil {
		c.t.Fatal(err)
	}
}

// silent fails the test if the page threw or logged an error.
func (c *chrome) silent() {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.problems {
		c.t.Errorf("the page's console: %s", p)
	}
	c.problems = nil
}
