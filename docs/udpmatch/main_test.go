package main

import (
	"os"
	"strings"
	"testing"
)

// TestDocument: the program in from-nakama.md is this one.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile("../from-nakama.md")
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
		t.Error("docs/from-nakama.md shows another program than docs/udpmatch/main.go")
	}
}
