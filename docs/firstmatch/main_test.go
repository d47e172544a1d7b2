package main

import (
	"os"
	"strings"
	"testing"
	"unsafe"

	"github.com/skirmishgg/skirmish/engine/match"
)

// TestDocument: the program in first-match.md is this one.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile("../first-match.md")
	if err != nil {
		t.Fatal(err)
	}
	code, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "```go\n")
	block, _, end := strings.Cut(rest, "```")
	if !ok || !end || block != string(code) {
		t.Error("docs/first-match.md shows another program than docs/firstmatch/main.go")
	}
}

// TestTag plays it: whoever is it runs to the other, who does not move.
func TestTag(t *testing.T) {
	schema, err := Tag.Compile()
	if err != nil {
		t.Fatal(err)
	}
	m, err := match.New(match.Config{Definition: &Tag, Schema: schema, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	it, _, _ := m.Join(match.Who{UserID: [16]byte{1}}, match.NullLink{})
	other, _, _ := m.Join(match.Who{UserID: [16]byte{2}}, match.NullLink{})
	runner := func(p *match.Player) (r Runner) {
		kind := schema.Kind(0)
		kind.Load(m.World().Row(p.Entity), unsafe.Pointer(&r))
		return r
	}
	for range 120 { // until the second can be tagged, far from the first
		m.SetInput(other, m.LastTick()+1, unsafe.Pointer(&Input{DX: 1, DY: -1}))
		m.Tick()
	}
	if !runner(it).It || runner(other).It {
		t.Fatal("the first to come is not it")
	}
	step := func(from, to float32) int8 {
		switch {
		case to > from+0.1:
			return 1
		case to < from-0.1:
			return -1
		}
		return 0
	}
	for range 60 * 10 {
		a, b := runner(it), runner(other)
		if b.It {
			return
		}
		m.SetInput(it, m.LastTick()+1, unsafe.Pointer(&Input{DX: step(a.X, b.X), DY: step(a.Y, b.Y)}))
		m.Tick()
	}
	t.Error("ten seconds, and nobody was tagged")
}
