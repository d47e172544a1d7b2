package proc

import (
	"bufio"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

// TestMain is the child of the tests below: it echoes commands with its cores, refuses "fail" and dies of "die".
func TestMain(m *testing.M) {
	if len(os.Args) < 2 || os.Args[1] != "child" {
		os.Exit(m.Run())
	}
	con := NewConsole(os.Stdin, os.Stdout, nil)
	con.Say(map[string]string{"Hello": "there"})
	for command := range con.Commands() {
		switch command {
		case "die":
			os.Stderr.WriteString("last words\n")
			os.Exit(3)
		case "fail":
			con.Refuse(io.ErrUnexpectedEOF)
		default:
			con.Say(map[string]any{"Echo": command, "Cores": len(Cores())})
		}
	}
}

type answer struct {
	Hello, Echo string
	Cores       int
}

func start(t *testing.T, core int) *Proc {
	t.Helper()
	var a answer
	p, err := Start(t.Context(), core, &a, os.Args[0], "child", "--flag", "x")
	if err != nil {
		t.Fatal(err)
	}
	if a.Hello != "there" {
		t.Errorf("first line: %+v", a)
	}
	t.Cleanup(p.Stop)
	return p
}

func TestAskAndPin(t *testing.T) {
	before := len(Cores())
	p := start(t, Cores()[0])
	var a answer
	if err := p.Ask("two words", &a); err != nil || a.Echo != "two words" {
		t.Fatalf("%+v, %v", a, err)
	}
	if a.Cores != 1 && before > 0 {
		t.Errorf("a pinned child has %d cores", a.Cores)
	}
	if len(Cores()) != before {
		t.Errorf("pinning a child left its parent with %d of %d cores", len(Cores()), before)
	}
}

func TestRefusalAndDeath(t *testing.T) {
	p := start(t, -1)
	if err := p.Ask("fail", nil); err == nil || !strings.Contains(err.Error(), io.ErrUnexpectedEOF.Error()) {
		t.Errorf("a refusal reads %v", err)
	}
	err := p.Ask("die", nil)
	if err == nil || !strings.Contains(err.Error(), "last words") {
		t.Errorf("a death reads %v", err)
	}
	if err != nil && strings.Contains(err.Error(), "--flag") {
		t.Errorf("an error carries the whole command line: %v", err)
	}
	began := time.Now()
	p.Stop()
	p.Stop()
	if time.Since(began) > stopWait/2 {
		t.Error("stopping a dead child takes long")
	}
}

func TestNow(t *testing.T) {
	a := Now(1)
	for s := bufio.NewScanner(strings.NewReader(strings.Repeat("x y\n", 1<<18))); s.Scan(); {
	}
	b := Now(3)
	if b.WallMicros <= a.WallMicros || b.Ops-a.Ops != 2 {
		t.Errorf("%+v then %+v", a, b)
	}
	if a.RSS != 0 && b.CPUMicros <= a.CPUMicros { // CPU and memory are read on Linux only
		t.Errorf("no CPU between %+v and %+v", a, b)
	}
}
