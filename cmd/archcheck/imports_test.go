package archcheck

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"sort"
	"strings"
	"testing"
)

const module = "github.com/skirmishgg/skirmish/"

// listed is what `go list -json` tells of a package; tests' imports are free, since they may stand anywhere.
type listed struct {
	ImportPath string
	Imports    []string
	Standard   bool
}

// TestImportTable holds every import of the module against imports.txt.
func TestImportTable(t *testing.T) {
	table := readTable(t, "imports.txt")
	for _, pkg := range list(t) {
		dir := strings.TrimPrefix(pkg.ImportPath, module)
		folder, allowed := longest(table, dir)
		if folder == "" {
			t.Errorf("%s: no line of imports.txt covers this folder", dir)
			continue
		}
		for _, imp := range pkg.Imports {
			if !strings.Contains(strings.SplitN(imp, "/", 2)[0], ".") {
				continue // standard library
			}
			if !permitted(folder, allowed, imp) {
				t.Errorf("%s imports %s: imports.txt allows %s only %v", dir, imp, folder, allowed)
			}
		}
	}
}

func permitted(folder string, allowed []string, imp string) bool {
	local := strings.TrimPrefix(imp, module)
	for _, a := range allowed {
		target := a
		if a == "self" {
			target = folder
		}
		if within(imp, target) || (local != imp && within(local, target)) {
			return true
		}
	}
	return false
}

func within(path, folder string) bool { return path == folder || strings.HasPrefix(path, folder+"/") }

func longest(table map[string][]string, dir string) (string, []string) {
	best := ""
	for folder := range table {
		if within(dir, folder) && len(folder) > len(best) {
			best = folder
		}
	}
	return best, table[best]
}

// readTable parses "key value value ..." lines; '#' starts a comment.
func readTable(t *testing.T, name string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	table := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		if words := strings.Fields(line); len(words) > 0 {
			table[words[0]] = append(table[words[0]], words[1:]...)
		}
	}
	return table
}

func list(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,Standard", module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var pkgs []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
	sort.Slice(pkgs, func(i, j int) bool { return pkgs[i].ImportPath < pkgs[j].ImportPath })
	return pkgs
}
