package config

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// Schema is the JSON Schema of a configuration file, for editors.
func Schema() []byte {
	root := schemaOf("", "Configuration of a Skirmish server.")
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "Skirmish"
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		panic(err) // maps of strings, numbers and lists
	}
	return append(text, '\n')
}

// schemaOf is the schema of a section and those within.
func schemaOf(path, doc string) map[string]any {
	properties := map[string]any{}
	for _, s := range sections {
		if s.Path == path {
			for _, k := range s.Keys {
				if k.Path != "config" {
					properties[k.Path[strings.LastIndexByte(k.Path, '.')+1:]] = keySchema(k)
				}
			}
		}
	}
	for _, name := range sectionsWithin(path) {
		full := name
		if path != "" {
			full = path + "." + name
		}
		properties[name] = schemaOf(full, sectionDocs[full])
	}
	return map[string]any{"type": []string{"object", "null"}, "description": doc, "properties": properties, "additionalProperties": false}
}

// sectionsWithin names the sections right under one.
func sectionsWithin(path string) (names []string) {
	for _, k := range keys {
		rest := k.Path
		if path != "" {
			var ok bool
			if rest, ok = strings.CutPrefix(k.Path, path+"."); !ok {
				continue
			}
		}
		if name, _, ok := strings.Cut(rest, "."); ok && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func keySchema(k *Key) map[string]any {
	s := map[string]any{"description": k.Doc}
	switch k.Kind {
	case String:
		s["type"] = "string"
	case Int:
		s["type"], s["minimum"], s["maximum"] = "integer", k.Min, k.Max
	case Bool:
		s["type"] = "boolean"
	case List:
		s["type"], s["items"] = []string{"array", "string"}, map[string]any{"type": "string"}
	}
	if len(k.Enum) > 0 {
		any := make([]string, 0, len(k.Enum)) // in any case, which "enum" cannot say
		for _, e := range k.Enum {
			any = append(any, anyCase(e))
		}
		s["pattern"] = "^(" + strings.Join(any, "|") + ")$"
		s["examples"] = k.Enum
	}
	if len(k.Default) > 0 && k.Default[0] != "" && k.Kind != List {
		s["default"] = jsonValue(k, k.Default)
	}
	if k.Deprecated {
		s["deprecated"] = true
	}
	return s
}

// anyCase is a pattern for a word in any case.
func anyCase(word string) string {
	var b strings.Builder
	for _, r := range word {
		if low, up := strings.ToLower(string(r)), strings.ToUpper(string(r)); low != up {
			b.WriteString("[" + low + up + "]")
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Overview writes the sections, one a line: what `--help` shows.
func Overview(w io.Writer) {
	for _, name := range sectionsWithin("") {
		fmt.Fprintf(w, "  %-13s %s\n", name, sectionDocs[name])
	}
}

// Explain writes the settings of a section, of those within it, or one setting; topic "" is the root. It says whether
// there is such a topic.
func Explain(w io.Writer, topic string) bool {
	found := false
	for _, s := range sections {
		if s.Path != topic && (topic == "" || !strings.HasPrefix(s.Path, topic+".")) {
			continue
		}
		found = true
		if s.Path != "" {
			fmt.Fprintf(w, "%s: %s\n\n", s.Path, sectionDocs[s.Path])
		}
		for _, k := range s.Keys {
			explain(w, k)
		}
	}
	if k, ok := byPath[topic]; ok {
		explain(w, k)
		found = true
	}
	return found
}

func explain(w io.Writer, k *Key) {
	fmt.Fprintf(w, "  --%s  (%s)\n      %s\n      environment: %s\n", k.Path, k.summary(), k.Doc, k.Env())
}

// summary is type, default and bounds in one line.
func (k *Key) summary() string {
	parts := []string{k.Kind.String()}
	switch {
	case k.Generate > 0:
		parts = append(parts, "made on the first start")
	case len(k.Default) > 0 && k.Default[0] != "":
		parts = append(parts, "default "+strings.Join(k.Default, " "))
	}
	if len(k.Enum) > 0 {
		parts = append(parts, "one of "+strings.Join(k.Enum, " "))
	}
	if b := k.bounds(); b != "" {
		parts = append(parts, b)
	}
	if k.Deprecated {
		parts = append(parts, "deprecated")
	}
	return strings.Join(parts, ", ")
}

func (k *Key) bounds() string {
	switch {
	case k.Kind != Int:
		return ""
	case k.Max == math.MaxInt32:
		return fmt.Sprintf("≥ %d", k.Min)
	}
	return fmt.Sprintf("%d to %d", k.Min, k.Max)
}
