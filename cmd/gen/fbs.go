package main

import (
	"bytes"
	"fmt"
	"sort"
	"strings"

	"google.golang.org/protobuf/compiler/protogen"
)

const fbsDir = "protocol/codec/fbs/"

// generateFbs writes the schema for other languages, a file a package. Slots are written out, so that the order of
// lines means nothing.
func generateFbs(c *catalogue, files output) {
	texts := map[string]*bytes.Buffer{}
	schemas := map[string]string{} // file → namespace
	for _, m := range c.messages {
		schemas[m.schema] = string(m.Desc.ParentFile().Package())
	}
	for schema, namespace := range schemas {
		b := &bytes.Buffer{}
		fmt.Fprintf(b, "// Written by 'make gen' from the messages' descriptors and slots.golden. DO NOT EDIT.\n")
		fmt.Fprintf(b, "// Timestamps are microseconds since 1970 UTC. Maps are vectors of entries sorted by key, bytewise, each key once.\n")
		fmt.Fprintf(b, "// At most one field of a oneof may be present.\n")
		for i, other := range includes(c, schema) {
			if i == 0 {
				fmt.Fprintln(b)
			}
			fmt.Fprintf(b, "include \"%s.fbs\";\n", other)
		}
		fmt.Fprintf(b, "\nnamespace %s;\n", namespace)
		texts[schema] = b
	}
	for _, e := range c.enums {
		writeFbsEnum(texts[strings.ReplaceAll(string(e.Desc.ParentFile().Package()), ".", "_")], e)
	}
	for _, m := range c.messages {
		writeFbsTable(texts[m.schema], m)
	}
	for schema, b := range texts {
		files[fbsDir+schema+".fbs"] = b.Bytes()
	}
}

// includes are the other files that a file's fields refer to.
func includes(c *catalogue, schema string) []string {
	found := map[string]bool{}
	for _, m := range c.messages {
		if m.schema != schema {
			continue
		}
		for _, f := range m.slots {
			for _, other := range c.messages {
				if other.full() == f.target && other.schema != schema {
					found[other.schema] = true
				}
			}
			if f.Field != nil && f.Enum != nil {
				if s := strings.ReplaceAll(string(f.Enum.Desc.ParentFile().Package()), ".", "_"); s != schema {
					found[s] = true
				}
			}
		}
	}
	var names []string
	for s := range found {
		names = append(names, s)
	}
	sort.Strings(names)
	return names
}

func writeFbsEnum(b *bytes.Buffer, e *protogen.Enum) {
	values := append([]*protogen.EnumValue(nil), e.Values...)
	sort.Slice(values, func(i, j int) bool { return values[i].Desc.Number() < values[j].Desc.Number() })
	fmt.Fprintf(b, "\nenum %s : int {\n", local(fbsName(e.Desc)))
	for _, v := range values {
		fmt.Fprintf(b, "  %s = %d,\n", v.Desc.Name(), v.Desc.Number())
	}
	fmt.Fprintf(b, "}\n")
}

func writeFbsTable(b *bytes.Buffer, m *message) {
	if len(m.slots) == 0 {
		fmt.Fprintf(b, "\ntable %s {}\n", local(fbsName(m.Desc)))
		return
	}
	fmt.Fprintf(b, "\ntable %s {\n", local(fbsName(m.Desc)))
	for i, f := range m.slots {
		var notes []string
		if m.Desc.IsMapEntry() && f.name == "key" {
			notes = append(notes, "key")
		}
		notes = append(notes, fmt.Sprintf("id: %d", i))
		if f.Field == nil {
			fmt.Fprintf(b, "  %s:ubyte (id: %d, deprecated); // was %s\n", f.name, i, f.fbs)
			continue
		}
		comment := ""
		if f.arm > 0 {
			comment = " // oneof " + string(f.Oneof.Desc.Name())
		}
		if f.shape == micros {
			comment = " // µs"
		}
		fmt.Fprintf(b, "  %s:%s (%s);%s\n", f.name, f.fbs, strings.Join(notes, ", "), comment)
	}
	fmt.Fprintf(b, "}\n")
}

func local(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }
