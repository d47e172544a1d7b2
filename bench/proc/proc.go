// Package proc runs the parts of a benchmark as processes of their own, each on its own core, and talks with them.
//
// A server under test and the generator that drives it must not share a runtime, a heap or a core. The bench
// starts both as children of itself; a child says one JSON line when it is ready, then answers each line of its
// standard input ("mark", "run 2s", …) with one JSON line, and ends when its input closes.
// One goroutine owns a Proc. On Linux a child is pinned before its first instruction, so that its runtime
// counts the cores it really has; elsewhere it is not pinned.
package proc

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// stopWait is how long a child may take to end by itself after its input closed.
const stopWait = 5 * time.Second

// Proc is a running child.
type Proc struct {
	name string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Scanner
	done chan struct{} // closed when the child has ended and all it said is in errs; nil until somebody waits
	errs *tail         // the last lines of standard error, to explain a child that died
}

// Start runs path with args on the given core (−1: any) and waits for the child's first line, decoded into hello.
// hello may be nil when the line does not matter. Cancelling ctx kills the child.
func Start(ctx context.Context, core int, hello any, path string, args ...string) (*Proc, error) {
	cmd := exec.CommandContext(ctx, path, args...)
	p := &Proc{name: shortName(path, args), cmd: cmd, errs: &tail{}}
	cmd.Stderr = p.errs
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := startPinned(cmd, core); err != nil {
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	p.in, p.out = in, bufio.NewScanner(out)
	p.out.Buffer(nil, 1<<20)
	if err := p.read(hello); err != nil {
		p.Stop()
		return nil, err
	}
	return p, nil
}

// shortName is what errors call a child: its binary and the words before its first flag.
func shortName(path string, args []string) string {
	name := filepath.Base(path)
	for _, a := range args {
		if strings.HasPrefix(a, "--profile=") {
			continue
		}
		if strings.HasPrefix(a, "-") {
			break
		}
		name += " " + a
	}
	return name
}

// Ask sends one command and decodes the child's one-line answer into v (nil: the answer is read and dropped).
func (p *Proc) Ask(command string, v any) error {
	if _, err := io.WriteString(p.in, command+"\n"); err != nil {
		return fmt.Errorf("%s: ask %q: %w%s", p.name, command, err, p.lastWords())
	}
	return p.read(v)
}

func (p *Proc) read(v any) error {
	if !p.out.Scan() {
		return fmt.Errorf("%s ended without an answer%s", p.name, p.lastWords())
	}
	line := p.out.Bytes()
	var refusal struct{ Error string }
	if json.Unmarshal(line, &refusal) == nil && refusal.Error != "" {
		return fmt.Errorf("%s: %s", p.name, refusal.Error)
	}
	if v == nil {
		return nil
	}
	if err := json.Unmarshal(line, v); err != nil {
		return fmt.Errorf("%s answered %q: %w", p.name, line, err)
	}
	return nil
}

// Stop ends the child: its input closes, and if that does not end it in time it is killed. It may be called twice.
func (p *Proc) Stop() {
	if p.in == nil {
		return
	}
	p.in.Close()
	p.in = nil
	select {
	case <-p.ended():
	case <-time.After(stopWait):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// ended waits for the child beside the caller; the channel closes once it is gone and its standard error is read.
func (p *Proc) ended() <-chan struct{} {
	if p.done == nil {
		done := make(chan struct{})
		p.done = done
		go func() { // ends with the child, which Stop kills if nothing else does
			_ = p.cmd.Wait()
			close(done)
		}()
	}
	return p.done
}

// lastWords is what a child that stopped answering said on standard error. Its pipes close one after the other, so
// the words may still be on their way when the answers have already ended.
func (p *Proc) lastWords() string {
	select {
	case <-p.ended():
		return p.errs.String()
	case <-time.After(stopWait):
		return "; it is still running"
	}
}

// tail keeps the end of what a child wrote to standard error.
type tail struct{ b []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.b = append(t.b, p...)
	if n := len(t.b) - 4096; n > 0 {
		t.b = append(t.b[:0], t.b[n:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	if len(t.b) == 0 {
		return ""
	}
	return "; it said:\n" + strings.TrimSpace(string(t.b))
}

// Console is the child's end: answers go out, commands come in.
type Console struct {
	out      *json.Encoder
	commands chan string
}

// NewConsole reads commands from in until it ends, then calls atEnd, if it is not nil, while the child still is as
// it was. The reading goroutine lives as long as in.
func NewConsole(in io.Reader, out io.Writer, atEnd func()) *Console {
	c := &Console{out: json.NewEncoder(out), commands: make(chan string, 1)}
	go func() { // ends at the end of in, which is how a child is told to stop
		defer close(c.commands)
		for s := bufio.NewScanner(in); s.Scan(); {
			c.commands <- s.Text()
		}
		if atEnd != nil {
			atEnd()
		}
	}()
	return c
}

// Say sends one line.
func (c *Console) Say(v any) { _ = c.out.Encode(v) }

// Refuse tells the parent that its last command failed.
func (c *Console) Refuse(err error) { c.Say(map[string]string{"error": err.Error()}) }

// Commands are the lines that came in; closed when the child should end.
func (c *Console) Commands() <-chan string { return c.commands }

// Poll takes a command if one waits. ok is false when the child should end.
func (c *Console) Poll() (command string, ok bool) {
	select {
	case command, ok = <-c.commands:
		return command, ok
	default:
		return "", true
	}
}

// Mark is a child's resource use so far; two of them make a measurement.
type Mark struct {
	CPUMicros  float64 `json:"cpu_us"`    // user and system time of the whole process, from getrusage
	WallMicros float64 `json:"wall_us"`   // monotonic
	RSS        int64   `json:"rss_bytes"` // resident now
	Heap       int64   `json:"heap_bytes"`
	Ops        uint64  `json:"ops"` // what the child counts: client-ticks, handshakes, ticks
}

// Self is where the running binary lies, to be started again as a child.
func Self() (string, error) { return os.Executable() }
