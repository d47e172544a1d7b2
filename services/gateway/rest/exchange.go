package rest

import (
	"bytes"
	"errors"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/gateway"
)

// exchange is one request and its answer, with buffers that are used again. Nothing that outlives it may point into
// them; codec's decoders copy what they keep.
type exchange struct {
	h *Handler
	w http.ResponseWriter
	r *http.Request

	values values
	form   string // a form in the body that counts as query
	noBody bool   // the body has been read already
	status int    // of the answer, 0 before there is one
	body   bytes.Buffer
	out    []byte
	packed bytes.Buffer
}

var exchanges = sync.Pool{New: func() any { return new(exchange) }}

func newExchange(h *Handler, w http.ResponseWriter, r *http.Request) *exchange {
	x := exchanges.Get().(*exchange)
	x.h, x.w, x.r = h, w, r
	return x
}

// end is deferred. Operations have their own net in Door.Call; this one is for the door, whose panic net/http would
// answer with a closed connection.
func (x *exchange) end() {
	p := recover()
	if p == nil {
		x.release()
		return
	}
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(p)
	}
	x.h.c.Door.Log.Error("HTTP request panicked", "method", x.r.Method, "path", x.r.URL.Path, "panic", p, "stack", string(debug.Stack()))
	if x.status == 0 {
		x.refuse(errPanic)
	}
}

// keepMax is the largest buffer worth keeping: what nearly all requests fit in.
const keepMax = 64 << 10

func (x *exchange) release() {
	x.h, x.w, x.r, x.values, x.form, x.noBody, x.status = nil, nil, nil, values{}, "", false, 0
	x.body.Reset()
	x.packed.Reset()
	x.out = x.out[:0]
	if x.body.Cap() > keepMax || x.packed.Cap() > keepMax || cap(x.out) > keepMax {
		return // left to the collector
	}
	exchanges.Put(x)
}

// operation answers a call of the catalogue.
func (x *exchange) operation(path string) {
	rt, refusal := x.route(path)
	if refusal != nil {
		x.refuse(refusal)
		return
	}
	in, refusal := x.request(rt)
	if refusal != nil {
		x.refuse(refusal)
		return
	}
	door := x.h.c.Door
	caller, refusal := x.caller(door, rt.entry)
	if refusal != nil {
		x.refuse(refusal)
		return
	}
	caller.Host, caller.ClientPort = x.r.Host, door.ClientPort(x.r.RemoteAddr, x.r.Header["X-Forwarded-For"])
	out, refusal := door.Invoke(x.r.Context(), rt.entry, caller, in)
	if refusal != nil {
		x.refuse(refusal)
		return
	}
	text, err := codec.Append(x.out, codec.JSON, out)
	if err != nil {
		x.refuse(door.Refusal(rt.entry, caller, err))
		return
	}
	x.out = text
	x.w.Header()["Grpc-Metadata-Content-Type"] = grpcType
	x.answer(http.StatusOK, text)
}

// caller is who calls. What other servers may call takes the HTTP key wherever functions take it.
func (x *exchange) caller(door *gateway.Door, e *op.Entry) (op.Caller, *errs.Error) {
	if e.Spec.Auth == op.HTTPKey {
		return door.HTTPCaller(x.r.Header["Authorization"], x.r.URL.Query().Get("http_key"), x.clientIP(door))
	}
	return door.Caller(e, x.r.Header["Authorization"], "", x.clientIP(door))
}

func (x *exchange) clientIP(door *gateway.Door) string {
	return door.ClientIP(x.r.RemoteAddr, x.r.Header["X-Forwarded-For"])
}

const formType = "application/x-www-form-urlencoded"

// route finds the rule. A form may name another method than POST, for clients that have no other, and is taken as GET
// where there is no POST: its fields then count as query.
func (x *exchange) route(path string) (*route, *errs.Error) {
	method := x.r.Method
	isForm := method == http.MethodPost && x.r.Header.Get("Content-Type") == formType
	if override := x.r.Header.Get("X-Http-Method-Override"); isForm && override != "" {
		if refusal := x.readForm(); refusal != nil {
			return nil, refusal
		}
		method, isForm = strings.ToUpper(override), false
	}
	rt, known := x.h.routes.find(path[1:], method, &x.values, 0)
	if rt != nil {
		return rt, nil
	}
	if !known {
		return nil, errNotFound
	}
	if isForm {
		if rt, _ = x.h.routes.find(path[1:], http.MethodGet, &x.values, 0); rt != nil {
			return rt, x.readForm()
		}
	}
	return nil, errMethod
}

func (x *exchange) readForm() *errs.Error {
	c := x.read()
	x.form, x.noBody = string(c.data), true
	return c.cut
}

// request builds the message from body, path and query.
func (x *exchange) request(rt *route) (proto.Message, *errs.Error) {
	m := rt.entry.Request.New()
	if rt.body != bodyNone && !x.noBody {
		if refusal := x.decode(rt, m); refusal != nil {
			return nil, refusal
		}
	}
	for i, f := range rt.path {
		if !utf8.ValidString(x.values[i]) {
			return nil, errs.Newf(errs.InvalidArgument, "parsing field %q: %v", f.Name(), errNotUTF8)
		}
		m.Set(f, protoreflect.ValueOfString(x.values[i]))
	}
	if rt.query != nil {
		if query := x.query(); query != "" {
			if refusal := rt.query.bind(m, query); refusal != nil {
				return nil, refusal
			}
		}
	}
	return m.Interface(), nil
}

func (x *exchange) decode(rt *route, m protoreflect.Message) *errs.Error {
	target := m.Interface()
	if rt.body == bodyField {
		target = m.Mutable(rt.field).Message().Interface()
	}
	c := x.read()
	if refusal := c.decode(target); refusal != nil {
		return refusal
	}
	if limit := x.h.c.MaxRequestBytes; c.inflated && len(c.data) > limit {
		if size := proto.Size(m.Interface()); size > limit {
			return tooLargeMessage(size, limit)
		}
	}
	return nil
}

func (x *exchange) query() string {
	if x.form == "" {
		return x.r.URL.RawQuery
	}
	return x.form + "&" + x.r.URL.RawQuery
}
