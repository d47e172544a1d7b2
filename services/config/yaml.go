package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

var errTooLarge = fmt.Errorf("larger than %d bytes: this is no configuration", fileMax)

// Bounds of the walk over one file: aliases let a small file stand for a large one.
const (
	nodesMax = 20000
	depthMax = 16
)

// readYAML takes the settings of one file. Sections are mappings, or dots in a key.
func readYAML(name string, kind SourceKind, text []byte) ([]given, Problems) {
	r := yamlReader{name: name, kind: kind, seen: map[*Key]int{}}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc, second yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, nil // empty, or comments alone
	case err != nil:
		r.problems.problemf(Source{Kind: kind, Name: name}, "", "%s", strings.TrimPrefix(err.Error(), "yaml: "))
		return nil, r.problems
	}
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		r.problems.problemf(Source{Kind: kind, Name: name}, "", "holds more than one YAML document")
		return nil, r.problems
	}
	for _, n := range doc.Content {
		r.section(n, "", false, 0)
	}
	return r.all, r.problems
}

type yamlReader struct {
	name     string
	kind     SourceKind
	all      []given
	seen     map[*Key]int // line of each setting
	visited  int
	stopped  bool
	problems Problems
}

func (r *yamlReader) at(n *yaml.Node) Source { return Source{Kind: r.kind, Name: r.name, Line: n.Line} }

// section reads a mapping. merged: it stands behind a "<<", so that what is there already wins.
func (r *yamlReader) section(n *yaml.Node, prefix string, merged bool, depth int) {
	if r.tooMuch(n, depth) {
		return
	}
	n = target(n)
	if null(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		r.problems.problemf(r.at(n), strings.TrimSuffix(prefix, "."), "must be settings, \"key: value\", one a line")
		return
	}
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content) && !r.stopped; i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Tag == "!!merge" || key.Value == "<<" {
			merges = append(merges, value)
			continue
		}
		r.entry(key, value, prefix, merged, depth)
	}
	for _, m := range merges { // after the mapping's own
		m = target(m)
		if m.Kind != yaml.SequenceNode {
			r.section(m, prefix, true, depth+1)
			continue
		}
		for _, one := range m.Content {
			r.section(one, prefix, true, depth+1)
		}
	}
}

// tooMuch counts what is walked, and says once that it is more than a configuration can have.
func (r *yamlReader) tooMuch(n *yaml.Node, depth int) bool {
	if r.visited++; r.visited <= nodesMax && depth <= depthMax {
		return false
	}
	if !r.stopped {
		r.stopped = true
		r.problems.problemf(r.at(n), "", "is too deeply nested, or has too much in it")
	}
	return true
}

func (r *yamlReader) entry(key, value *yaml.Node, prefix string, merged bool, depth int) {
	if r.tooMuch(key, depth) {
		return
	}
	path := prefix + target(key).Value
	if _, ok := sectionDocs[path]; ok && path != "" {
		r.section(value, path+".", merged, depth+1)
		return
	}
	k, ok := byPath[path]
	if !ok {
		r.problems.unknown(r.at(key), path, func(p string) string { return p })
		return
	}
	if line, twice := r.seen[k]; twice {
		if !merged {
			r.problems.problemf(r.at(key), path, "is there twice, on line %d as well", line)
		}
		return
	}
	value = target(value)
	if null(value) {
		return // as if it were not there
	}
	values, err := scalars(k, value)
	if err != nil {
		r.problems.problemf(r.at(key), path, "%v", err)
		return
	}
	r.seen[k] = key.Line
	r.all = append(r.all, given{k, values, r.at(key)})
}

// scalars is a value as text.
func scalars(k *Key, n *yaml.Node) ([]string, error) {
	switch n.Kind {
	case yaml.ScalarNode:
		return []string{n.Value}, nil
	case yaml.MappingNode:
		return nil, errors.New("is a setting, not a section")
	}
	if k.Kind != List {
		return nil, errors.New("must be one value, not a list")
	}
	if len(n.Content) > nodesMax {
		return nil, errTooLarge
	}
	values := []string{}
	for _, one := range n.Content {
		if one = target(one); one.Kind != yaml.ScalarNode {
			return nil, errors.New("must be a list of plain values")
		}
		values = append(values, one.Value)
	}
	return values, nil
}

// target follows an alias. An alias cannot lead to an alias, but the parser's promise is not ours.
func target(n *yaml.Node) *yaml.Node {
	for range 8 {
		if n.Kind != yaml.AliasNode || n.Alias == nil {
			break
		}
		n = n.Alias
	}
	return n
}

func null(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }
