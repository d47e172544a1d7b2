// Command gen writes the code that follows from message descriptors: Go types of our own .proto files, the FlatBuffers
// codecs, the verifier's tables, .fbs files and the slots' golden list, and the JSON codecs. `make gen` runs it in the module's root;
// with -check it writes nothing and fails when a file on disk is not what it would write, which is how `make check`
// finds edited or forgotten output.
//
// The way: compile our .proto files (proto.go) → give every field its slot (slots.go) → write each language.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"
)

// output is every file to write: path from the module's root → content.
type output map[string][]byte

func main() {
	check := flag.Bool("check", false, "write nothing; fail when a file differs from what would be written")
	flag.Parse()
	files, err := generate()
	if err == nil && *check {
		err = files.compare()
	} else if err == nil {
		err = files.write()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func generate() (output, error) {
	files := output{}
	if err := generateProto(files); err != nil {
		return nil, err
	}
	c, err := readCatalogue()
	if err != nil {
		return nil, err
	}
	if err := assignSlots(c, files); err != nil {
		return nil, err
	}
	c.number()
	generateFbs(c, files)
	if err := generateFlat(c, files); err != nil {
		return nil, err
	}
	if err := generateJSON(c, files); err != nil {
		return nil, err
	}
	return files, nil
}

func (o output) write() error {
	for path, content := range o {
		if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, content) {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (o output) compare() error {
	var stale []string
	for path, content := range o {
		if old, err := os.ReadFile(path); err != nil || !bytes.Equal(old, content) {
			stale = append(stale, path)
		}
	}
	if len(stale) == 0 {
		return nil
	}
	sort.Strings(stale)
	return fmt.Errorf("not what `make gen` writes: %v", stale)
}
