// Package op is the catalogue: one typed function per operation, registered once with a Spec. Every protocol, hook,
// runtime binding, SDK, test and document reads the registry.
//
// The life of it: features Add their operations, node Wraps them (limits, metrics, tracing) and Seals the registry;
// from then on it is read-only, but for the hooks, which script reload swaps atomically. Doors turn bytes into a
// message and call Entry.Invoke; nothing else runs an operation.
package op

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"sync/atomic"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// Caller is who asks; passed by value, never dug out of a context.
type Caller struct {
	UserID     id.UUID
	Username   string
	Vars       map[string]string
	Expires    int64 // of the session token, Unix seconds; 0 without one
	SessionID  string
	Lang       string // of a realtime session
	Node       string
	ClientIP   string
	ClientPort string // "" where the door does not know it
	Host       string // by which the caller reached the door: a Host header or :authority, with its port; "" when unknown
	Conn       any    // the realtime connection on which the call came, a session.Conn; nil elsewhere
	Trusted    bool   // runtime or console: ownership checks do not apply
}

// Auth says what a caller must show before an operation runs.
type Auth uint8

const (
	None      Auth = iota // open to anybody
	ServerKey             // the key that ships in every client
	Session               // a valid session token
	HTTPKey               // a session token, or the key of server-to-server calls
	Console               // a console user; the role is the operation's own check
)

// Spec describes one operation to every protocol, hook, runtime and SDK.
type Spec struct {
	Name string   // gRPC method = hook id = SDK method
	ID   uint16   // native FlatBuffers number; never reused
	HTTP []string // "POST /v2/leaderboard/{leaderboard_id} record": method, path, then the body's field ("*" whole, none: absent)
	RT   string   // field of rtapi.Envelope; "" when not offered on the socket
	Auth Auth

	Silent bool // realtime sessions answer nothing when it succeeds, not even an acknowledgement
	Quick  bool // never waits for anything: a door may run it where it reads, unless it is Hooked
}

// Call is an operation with its types erased.
type Call func(ctx context.Context, c Caller, in proto.Message) (proto.Message, error)

// Hook runs around one operation. Before may replace the request, refuse with an error, or return nil to disable the
// operation; After sees both and changes nothing. A realtime message may be replaced by one of another kind, whose
// operation is then run instead.
type Hook struct {
	Before func(ctx context.Context, c Caller, in proto.Message) (proto.Message, error)
	After  func(ctx context.Context, c Caller, in, out proto.Message)
}

// Frame is what a realtime door knows of a message beside the message. Hooks find it in the context, and may change it.
type Frame struct {
	Cid string // by which the client finds the answer
}

type frameKey struct{}

// WithFrame is a context for Invoke. Doors make one when the operation is Hooked, since nobody else asks for it.
func WithFrame(ctx context.Context, f *Frame) context.Context {
	return context.WithValue(ctx, frameKey{}, f)
}

// FrameOf is the frame of the message that is being handled; nil when it came without one.
func FrameOf(ctx context.Context) *Frame {
	f, _ := ctx.Value(frameKey{}).(*Frame)
	return f
}

// Entry is one registered operation.
type Entry struct {
	Spec     Spec
	Request  protoreflect.MessageType
	Response protoreflect.MessageType

	registry *Registry
	call     Call                 // with all wrappers; constant after Seal
	hook     atomic.Pointer[Hook] // swapped by script reload
}

// ErrDisabled answers a call that server code has switched off.
var ErrDisabled = errs.New(errs.NotFound, "Requested resource was not found.").On(errs.UnrecognizedPayload)

// Invoke is the one door to an operation: before hook, wrappers, the function, after hook. Allocates nothing of its own.
func (e *Entry) Invoke(ctx context.Context, c Caller, in proto.Message) (proto.Message, error) {
	h := e.hook.Load()
	if h == nil {
		return e.call(ctx, c, in)
	}
	call := e.call
	if h.Before != nil {
		replaced, err := h.Before(ctx, c, in)
		if err != nil {
			return nil, err
		}
		if replaced == nil {
			return nil, ErrDisabled
		}
		in, call = replaced, e.callFor(replaced)
	}
	out, err := call(ctx, c, in)
	if err == nil && h.After != nil {
		h.After(ctx, c, in, out)
	}
	return out, err
}

// callFor is what runs a request that a hook returned: this operation's function, or that of another realtime message.
func (e *Entry) callFor(in proto.Message) Call {
	t := in.ProtoReflect().Type()
	if t == e.Request || e.Spec.RT == "" {
		return e.call
	}
	for _, other := range e.registry.byRT {
		if other.Request == t {
			return other.call
		}
	}
	return e.call // which refuses it
}

// Hooked tells whether Invoke would run a hook.
func (e *Entry) Hooked() bool { return e.hook.Load() != nil }

// SetHook replaces the hooks of this operation; nil removes them. Calls under way finish with those they began with.
func (e *Entry) SetHook(h *Hook) { e.hook.Store(h) }

// Push declares a message that the server sends unasked, so that SDKs know their handlers.
type Push struct {
	RT   string // field of rtapi.Envelope; "": a message of our own, which goes to native sessions only, as it is
	ID   uint16 // native number, in the same space as operations
	Type protoreflect.MessageType
}

// Registry holds the catalogue. Add and Wrap before Seal; everything else after.
type Registry struct {
	entries []*Entry
	pushes  []Push
	byName  map[string]*Entry
	byID    map[uint16]*Entry
	byRT    map[string]*Entry
	ids     map[uint16]string
	sealed  bool
}

// NewRegistry has no operations yet.
func NewRegistry() *Registry {
	return &Registry{byName: map[string]*Entry{}, byID: map[uint16]*Entry{}, byRT: map[string]*Entry{}, ids: map[uint16]string{}}
}

type message[T any] interface {
	*T
	proto.Message
}

// Add registers f under s. Two operations that claim one name, number or envelope field are a bug and panic.
func Add[Q, S any, PQ message[Q], PS message[S]](r *Registry, s Spec, f func(context.Context, Caller, *Q) (*S, error)) {
	r.add(&Entry{
		registry: r,
		Spec:     s,
		Request:  PQ(new(Q)).ProtoReflect().Type(),
		Response: PS(new(S)).ProtoReflect().Type(),
		call: func(ctx context.Context, c Caller, in proto.Message) (proto.Message, error) {
			q, ok := in.(PQ)
			if !ok {
				return nil, fmt.Errorf("operation %s got a %T", s.Name, in)
			}
			out, err := f(ctx, c, (*Q)(q))
			if err != nil {
				return nil, err
			}
			return PS(out), nil
		},
	})
}

func (r *Registry) add(e *Entry) {
	s := e.Spec
	r.mustBeOpen("operation " + s.Name)
	if s.Name == "" || r.byName[s.Name] != nil {
		panic("op: operation name " + s.Name + " is empty or taken")
	}
	r.claim(s.ID, s.Name)
	if s.RT != "" {
		if r.byRT[s.RT] != nil {
			panic("op: envelope field " + s.RT + " is taken")
		}
		r.byRT[s.RT] = e
	}
	for _, rule := range s.HTTP {
		if _, _, _, err := SplitHTTP(rule); err != nil {
			panic("op: " + s.Name + ": " + err.Error())
		}
	}
	r.byName[s.Name], r.byID[s.ID] = e, e
	r.entries = append(r.entries, e)
}

// AddPush declares a push message. A message that goes both ways has one number: its operation's, added before.
func AddPush[T any, PT message[T]](r *Registry, rt string, number uint16) {
	r.mustBeOpen("push " + rt)
	p := Push{RT: rt, ID: number, Type: PT(new(T)).ProtoReflect().Type()}
	if e := r.byID[number]; e == nil || e.Spec.RT != rt || e.Request != p.Type {
		r.claim(number, "push "+rt)
	}
	r.pushes = append(r.pushes, p)
}

func (r *Registry) claim(number uint16, name string) {
	if number == 0 || r.ids[number] != "" {
		panic(fmt.Sprintf("op: number %d of %s is zero or belongs to %q", number, name, r.ids[number]))
	}
	r.ids[number] = name
}

func (r *Registry) mustBeOpen(what string) {
	if r.sealed {
		panic("op: " + what + " comes after Seal")
	}
}

// Wrap puts w around every operation registered so far; the last wrapper runs first. Hooks stay outermost.
func (r *Registry) Wrap(w func(e *Entry, next Call) Call) {
	r.mustBeOpen("wrapper")
	for _, e := range r.entries {
		e.call = w(e, e.call)
	}
}

// Seal ends registration. The catalogue is sorted by name from here on.
func (r *Registry) Seal() {
	r.sealed = true
	sort.Slice(r.entries, func(i, j int) bool { return r.entries[i].Spec.Name < r.entries[j].Spec.Name })
	sort.Slice(r.pushes, func(i, j int) bool { return r.pushes[i].ID < r.pushes[j].ID })
}

// Entries are all operations; the slice is the registry's own.
func (r *Registry) Entries() []*Entry { return r.entries }

// Pushes are all push messages; the slice is the registry's own.
func (r *Registry) Pushes() []Push { return r.pushes }

// Named, Numbered and OnSocket find an operation by its name, native number or envelope field; nil when there is none.
func (r *Registry) Named(name string) *Entry      { return r.byName[name] }
func (r *Registry) Numbered(number uint16) *Entry { return r.byID[number] }
func (r *Registry) OnSocket(field string) *Entry  { return r.byRT[field] }

// SplitHTTP takes a rule apart: method, path, and the request field that is the body ("*": the whole message, "": none).
func SplitHTTP(rule string) (method, path, body string, err error) {
	words := strings.Fields(rule)
	if len(words) < 2 || len(words) > 3 || !strings.HasPrefix(words[1], "/") {
		return "", "", "", fmt.Errorf("HTTP rule %q is not \"METHOD /path [body]\"", rule)
	}
	if len(words) == 3 {
		body = words[2]
	}
	return words[0], words[1], body, nil
}
