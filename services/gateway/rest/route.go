package rest

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/skirmishgg/skirmish/protocol/op"
)

// route is one HTTP rule, compiled.
type route struct {
	entry *op.Entry
	path  []protoreflect.FieldDescriptor // of the values in the path, in order
	body  bodyRule
	field protoreflect.FieldDescriptor // the body's, when it is a field
	query *table                       // nil: no field is left for the query, which is not even parsed
}

type bodyRule uint8

const (
	bodyNone  bodyRule = iota // not read
	bodyWhole                 // the request itself
	bodyField                 // one message of the request
)

// valuesMax is the number of values a path may hold.
const valuesMax = 4

type values [valuesMax]string

// node is the set of paths that begin alike.
type node struct {
	literal map[string]*node
	value   *node             // behind any segment that is not empty
	routes  map[string]*route // of paths that end here, by method
}

// mount adds an operation's rules. Console operations are the console's door's; functions have their own way in.
func (h *Handler) mount(e *op.Entry) {
	if e.Spec.Auth == op.Console {
		return
	}
	for _, rule := range e.Spec.HTTP {
		method, path, body, err := op.SplitHTTP(rule)
		if err != nil {
			panic(err)
		}
		if strings.HasPrefix(path, rpcPrefix) {
			h.rpc = e
			continue
		}
		h.routes.add(method, path, compile(e, path, body))
	}
}

func compile(e *op.Entry, path, body string) *route {
	r := &route{entry: e}
	request := e.Request.Descriptor()
	bound := map[protoreflect.FieldDescriptor]bool{}
	named := func(name string) protoreflect.FieldDescriptor {
		f := request.Fields().ByName(protoreflect.Name(name))
		if f == nil || bound[f] {
			panic(fmt.Sprintf("rest: %s: %s has no field %q for %s", e.Spec.Name, request.FullName(), name, path))
		}
		bound[f] = true
		return f
	}
	for segment := range strings.SplitSeq(path, "/") {
		if name, isValue := valueName(segment); isValue {
			f := named(name)
			if f.Kind() != protoreflect.StringKind || f.IsList() || len(r.path) == valuesMax {
				panic(fmt.Sprintf("rest: %s: %q cannot stand in a path", e.Spec.Name, name))
			}
			r.path = append(r.path, f)
		}
	}
	switch body {
	case "":
	case "*":
		r.body = bodyWhole
		return r
	default:
		r.body, r.field = bodyField, named(body)
		if r.field.Message() == nil || r.field.IsList() || r.field.IsMap() {
			panic(fmt.Sprintf("rest: %s: body %q is no message", e.Spec.Name, body))
		}
	}
	if len(bound) < request.Fields().Len() {
		r.query = queryTable(request, bound)
	}
	return r
}

func valueName(segment string) (string, bool) {
	if strings.HasPrefix(segment, "{") && strings.HasSuffix(segment, "}") {
		return segment[1 : len(segment)-1], true
	}
	return "", false
}

func (n *node) add(method, path string, r *route) {
	for segment := range strings.SplitSeq(path[1:], "/") {
		n = n.child(segment)
	}
	if n.routes == nil {
		n.routes = map[string]*route{}
	}
	if n.routes[method] != nil {
		panic("rest: two operations answer " + method + " " + path)
	}
	n.routes[method] = r
}

func (n *node) child(segment string) *node {
	if _, isValue := valueName(segment); isValue {
		if n.value == nil {
			n.value = &node{}
		}
		return n.value
	}
	if n.literal == nil {
		n.literal = map[string]*node{}
	}
	if n.literal[segment] == nil {
		n.literal[segment] = &node{}
	}
	return n.literal[segment]
}

// find looks for a path without its first slash. A literal segment goes before a value, unless only the value leads to
// a route of this method. known tells that the path exists, be it for other methods.
func (n *node) find(path, method string, v *values, at int) (r *route, known bool) {
	segment, rest, more := strings.Cut(path, "/")
	if next := n.literal[segment]; next != nil {
		if r, known = next.follow(rest, more, method, v, at); r != nil {
			return r, true
		}
	}
	if n.value == nil || segment == "" {
		return nil, known
	}
	v[at] = segment
	r, there := n.value.follow(rest, more, method, v, at+1)
	return r, known || there
}

func (n *node) follow(rest string, more bool, method string, v *values, at int) (*route, bool) {
	if more {
		return n.find(rest, method, v, at)
	}
	return n.routes[method], len(n.routes) > 0
}
