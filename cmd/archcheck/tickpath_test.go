package archcheck

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTickPath refuses, in the folders of tickpath.txt, what design and style forbid between a datagram and a
// snapshot: wall-clock reads, locks, goroutines, Go channels, formatting but for errors and panics, reflection, logging. Files that run once at
// start are named in the table with "setup"; everything else is the tick path.
func TestTickPath(t *testing.T) {
	table := readTable(t, "tickpath.txt")
	setup := map[string]bool{}
	for _, f := range table["setup"] {
		setup[f] = true
		if _, err := os.Stat(filepath.Join("..", "..", f)); err != nil {
			t.Errorf("tickpath.txt names %s as setup: %v", f, err)
		}
	}
	for _, root := range table["path"] {
		files, err := filepath.Glob(filepath.Join("..", "..", root, "*.go"))
		if err != nil || len(files) == 0 {
			t.Errorf("tickpath.txt names %s: no Go files there (%v)", root, err)
		}
		for _, file := range files {
			rel := filepath.ToSlash(strings.TrimPrefix(file, filepath.Join("..", "..")+string(filepath.Separator)))
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, finding := range scan(t, file, setup[rel]) {
				t.Errorf("%s: %s", rel, finding)
			}
		}
	}
}

// bannedCalls have no place on the tick path.
var bannedCalls = map[string]bool{
	"time.Now": true, "time.Since": true, "time.Sleep": true, "time.After": true, "time.NewTicker": true, "time.NewTimer": true,
}

// bannedPackages are allowed in setup files only.
var bannedPackages = map[string]bool{
	"reflect": true, "log": true, "log/slog": true, "sync": true, "math/rand": true, "net": true, "os": true,
}

func scan(t *testing.T, file string, setup bool) (findings []string) {
	t.Helper()
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	add := func(pos token.Pos, what string) {
		findings = append(findings, fmt.Sprintf("line %d: %s", fset.Position(pos).Line, what))
	}
	for _, imp := range f.Imports {
		if path := strings.Trim(imp.Path.Value, `"`); bannedPackages[path] && !setup {
			add(imp.Pos(), "imports "+path)
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			return n.Name.Name != "Error" && n.Name.Name != "String"
		case *ast.CallExpr:
			if fn, ok := n.Fun.(*ast.Ident); ok && fn.Name == "panic" {
				return false // what a bug says may be formatted
			}
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			if !ok || setup {
				return true
			}
			if bannedCalls[x.Name+"."+n.Sel.Name] || (x.Name == "fmt" && n.Sel.Name != "Errorf") { // a refusal may name a value
				add(n.Pos(), "calls "+x.Name+"."+n.Sel.Name)
			}
		case *ast.GoStmt:
			if !setup {
				add(n.Pos(), "starts a goroutine")
			}
		case *ast.ChanType, *ast.SendStmt, *ast.SelectStmt:
			if !setup {
				add(n.Pos(), "uses a Go channel")
			}
		case *ast.DeferStmt:
			if !setup && inLoop(f, n.Pos()) {
				add(n.Pos(), "defers in a loop")
			}
		}
		return true
	})
	return findings
}

func inLoop(f *ast.File, pos token.Pos) bool {
	found := false
	ast.Inspect(f, func(n ast.Node) bool {
		switch n.(type) {
		case *ast.ForStmt, *ast.RangeStmt:
			found = found || (n.Pos() < pos && pos < n.End())
		}
		return !found
	})
	return found
}
