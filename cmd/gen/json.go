package main

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/reflect/protoreflect"
)

const jsonDir = "protocol/codec/jsonpb/"

// generateJSON writes package jsonpb's generated half.
func generateJSON(c *catalogue, files output) error {
	open := map[string]*goFile{}
	for _, m := range c.messages {
		if m.Desc.IsMapEntry() {
			continue
		}
		path := jsonDir + m.schema + ".gen.go"
		g := open[path]
		if g == nil {
			g = c.goFile(path, "jsonpb")
			open[path] = g
		}
		if len(m.fields) > 64 {
			return fmt.Errorf("%s has more than 64 fields: the reader's mark of those seen is a uint64", m.full())
		}
		if wrapsValue(m) {
			g.jsonWrapper(m)
			continue
		}
		g.jsonWrite(m)
		g.jsonRead(m)
	}
	path := jsonDir + "dispatch.gen.go"
	open[path] = c.goFile(path, "jsonpb")
	open[path].jsonDispatch()
	return closeGoFiles(open, files)
}

// wrapsValue says whether a message is a wrapper, whose JSON is the bare value.
func wrapsValue(m *message) bool {
	return m.Desc.ParentFile().Path() == "google/protobuf/wrappers.proto"
}

func (g *goFile) jsonWrapper(m *message) {
	method := jsonMethod(m.fields[0].Desc.Kind())
	g.P("func (w *writer) write", goName(m.Desc), "(m *", m.GoIdent, ") { w.", method, "(m.GetValue()) }")
	g.P()
	g.P("func (r *reader) read", goName(m.Desc), "(m *", m.GoIdent, ") { m.Value = r.", method, "() }")
	g.P()
}

// ---- writers

// jsonWrite writes m's writer. Order is the descriptor's, as protojson's.
func (g *goFile) jsonWrite(m *message) {
	g.P("func (w *writer) write", goName(m.Desc), "(m *", m.GoIdent, ") {")
	g.P("w.buf = append(w.buf, '{')")
	if len(m.fields) > 0 {
		g.P("if m == nil { m = &", m.GoIdent, "{} }")
	}
	oneofs := map[*protogen.Oneof]bool{}
	for _, f := range m.fields {
		switch {
		case f.arm == 0:
			g.P("if ", g.present(m, f), " {")
			g.jsonField(m, f)
			g.P("}")
		case !oneofs[f.Oneof]:
			oneofs[f.Oneof] = true
			g.P("switch a := m.", f.Oneof.GoName, ".(type) {")
			for _, arm := range m.fields {
				if arm.Oneof == f.Oneof {
					g.P("case *", arm.GoIdent, ":")
					g.P("if a != nil {")
					g.jsonField(m, arm)
					g.P("}")
				}
			}
			g.P("}")
		}
	}
	g.P("w.close('}')")
	g.P("}")
	g.P()
}

// jsonField writes name, value and comma of a field that is present.
func (g *goFile) jsonField(m *message, f *field) {
	g.P("w.raw(`\"", f.name, "\":`)")
	v := f.value(m)
	switch f.shape {
	case textList, scalarList, tableList:
		g.P("w.buf = append(w.buf, '[')")
		g.P("for _, e := range ", v, " {")
		g.jsonValue(f, f.Field, "e")
		g.P("}")
		g.P("w.close(']')")
	case mapping:
		value := g.entryValue(f)
		g.P("w.buf = append(w.buf, '{')")
		g.P("for _, key := range sorted(", v, ") {")
		g.P("w.text(key)")
		g.P("w.buf = append(w.buf, ':')")
		g.jsonValue(value, value.Field, v+"[key]")
		g.P("}")
		g.P("w.close('}')")
	default:
		element := f.Field
		if f.wrapper {
			element = f.Message.Fields[0]
		}
		g.jsonValue(f, element, v)
		return
	}
	g.P("w.buf = append(w.buf, ',')")
}

// jsonValue writes one value and its comma.
func (g *goFile) jsonValue(f *field, element *protogen.Field, v string) {
	switch k := element.Desc.Kind(); {
	case f.shape == micros:
		g.P("w.time(", v, ")")
	case k == protoreflect.MessageKind:
		g.P("w.write", goName(element.Message.Desc), "(", v, ")")
	case k == protoreflect.EnumKind:
		g.P("w.int32(int32(", v, "))")
	default:
		g.P("w.", jsonMethod(k), "(", v, ")")
	}
	g.P("w.buf = append(w.buf, ',')")
}

func jsonMethod(k protoreflect.Kind) string {
	switch k {
	case protoreflect.StringKind:
		return "text"
	case protoreflect.BytesKind:
		return "blob"
	}
	_, method := scalarMethod(k)
	return strings.ToLower(method)
}

// ---- readers

func (g *goFile) jsonRead(m *message) {
	g.P("func (r *reader) read", goName(m.Desc), "(m *", m.GoIdent, ") {")
	g.P("r.take('{')")
	if len(m.fields) == 0 {
		g.P("if r.next('}', 0) { r.bad = true }")
		g.P("}")
		g.P()
		return
	}
	g.P("var seen uint64")
	g.P("for n := 0; r.next('}', n); n++ {")
	g.P("switch string(r.name()) {")
	for i, f := range m.fields {
		names := fmt.Sprintf("%q", f.Desc.Name())
		if f.Desc.JSONName() != string(f.Desc.Name()) {
			names += fmt.Sprintf(", %q", f.Desc.JSONName())
		}
		g.P("case ", names, ":")
		g.P("if r.once(&seen, ", i, ") {")
		g.jsonReadField(f)
		g.P("}")
	}
	g.P("default:")
	g.P("r.bad = true")
	g.P("}")
	g.P("}")
	g.P("}")
	g.P()
}

func (g *goFile) jsonReadField(f *field) {
	target := "m." + f.GoName
	switch {
	case f.shape == micros:
		g.P(target, " = r.time()")
	case f.arm > 0:
		g.P("if m.", f.Oneof.GoName, " != nil { r.bad = true }")
		if f.shape == table {
			g.P("a := new(", f.Message.GoIdent, ")")
			g.P("r.read", goName(f.Message.Desc), "(a)")
			g.P("m.", f.Oneof.GoName, " = &", f.GoIdent, "{", f.GoName, ": a}")
			return
		}
		g.P("m.", f.Oneof.GoName, " = &", f.GoIdent, "{", f.GoName, ": ", g.jsonScalar(f.Field), "}")
	case f.wrapper:
		g.P(target, " = &", f.Message.GoIdent, "{Value: ", g.jsonScalar(f.Message.Fields[0]), "}")
	case f.shape == optional, f.shape == optText:
		g.P("v := ", g.jsonScalar(f.Field))
		g.P(target, " = &v")
	case f.shape == table:
		g.P(target, " = new(", f.Message.GoIdent, ")")
		g.P("r.read", goName(f.Message.Desc), "(", target, ")")
	case f.shape == textList, f.shape == scalarList:
		g.P("r.take('[')")
		g.P("for n := 0; r.next(']', n); n++ { ", target, " = append(", target, ", ", g.jsonScalar(f.Field), ") }")
	case f.shape == tableList:
		g.P("r.take('[')")
		g.P("for n := 0; r.next(']', n); n++ {")
		g.P("e := new(", f.Message.GoIdent, ")")
		g.P("r.read", goName(f.Message.Desc), "(e)")
		g.P(target, " = append(", target, ", e)")
		g.P("}")
	case f.shape == mapping:
		g.jsonReadMap(f, target)
	default:
		g.P(target, " = ", g.jsonScalar(f.Field))
	}
}

func (g *goFile) jsonReadMap(f *field, target string) {
	value := g.entryValue(f)
	g.P("r.take('{')")
	g.P(target, " = map[string]", g.goType(value), "{}")
	g.P("for n := 0; r.next('}', n); n++ {")
	g.P("key := r.text()")
	g.P("r.colon()")
	g.P("if _, twice := ", target, "[key]; twice { r.bad = true }")
	if value.shape == table {
		g.P("e := new(", value.Message.GoIdent, ")")
		g.P("r.read", goName(value.Message.Desc), "(e)")
		g.P(target, "[key] = e")
	} else {
		g.P(target, "[key] = ", g.jsonScalar(value.Field))
	}
	g.P("}")
}

func (g *goFile) jsonScalar(f *protogen.Field) string {
	if f.Desc.Kind() == protoreflect.EnumKind {
		return g.QualifiedGoIdent(f.Enum.GoIdent) + "(r.enum())"
	}
	return "r." + jsonMethod(f.Desc.Kind()) + "()"
}

// ---- dispatch

func (g *goFile) jsonDispatch() {
	g.P("// message writes a message of the catalogue; false: m is none.")
	g.P("func (w *writer) message(m ", protoMessage, ") bool {")
	g.P("switch m := m.(type) {")
	g.each(func(m *message) {
		g.P("case *", m.GoIdent, ": w.write", goName(m.Desc), "(m)")
	})
	g.P("default: return false")
	g.P("}")
	g.P("return true")
	g.P("}")
	g.P()
	g.P("// message resets m and reads it; false: m is no message of the catalogue.")
	g.P("func (r *reader) message(m ", protoMessage, ") bool {")
	g.P("switch m := m.(type) {")
	g.each(func(m *message) {
		g.P("case *", m.GoIdent, ":")
		g.P("m.Reset()")
		g.P("r.read", goName(m.Desc), "(m)")
	})
	g.P("default: return false")
	g.P("}")
	g.P("return true")
	g.P("}")
}
