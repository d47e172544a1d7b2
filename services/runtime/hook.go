package runtime

import (
	"context"
	"strings"

	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/rpc"
)

// Hookable says which hooks an operation may have: those of its message, those of its envelope, or none.
func Hookable(e *op.Entry) (message, envelope bool) {
	switch {
	case e.Spec.Name == "RpcFunc" || e.Spec.Name == "Healthcheck":
		return false, false
	case e.Spec.RT != "" && len(e.Spec.HTTP) == 0:
		return false, true
	}
	return true, false
}

// hookAll finds the operations of all hooks, and tells of names that no operation has.
func (s *Set) hookAll(r *op.Registry, b *Builder) {
	messages, envelopes := map[string]bool{}, map[string]bool{}
	for _, e := range r.Entries() {
		name := strings.ToLower(e.Spec.Name)
		h := op.Hook{}
		message, envelope := Hookable(e)
		if message {
			messages[name] = true
			h = s.messageHook(e, b.before[name], b.after[name])
		}
		if envelope {
			envelopes[name] = true
			h = s.envelopeHook(e, b.beforeEnvelope[name], b.afterEnvelope[name])
		}
		if h.Before != nil || h.After != nil {
			s.hooks[e] = &h
		}
	}
	warnUnknown(s, "before", b.before, messages)
	warnUnknown(s, "after", b.after, messages)
	warnUnknown(s, "realtime before", b.beforeEnvelope, envelopes)
	warnUnknown(s, "realtime after", b.afterEnvelope, envelopes)
}

func warnUnknown[F any](s *Set, kind string, hooks map[string]F, known map[string]bool) {
	for name := range hooks {
		if !known[name] {
			s.log.Warn("A hook will never run: nothing has its name", "kind", kind, "name", name)
		}
	}
}

var emptyType = (*emptypb.Empty)(nil).ProtoReflect().Type()

func (s *Set) messageHook(e *op.Entry, before Before, after After) (h op.Hook) {
	what := e.Spec.Name
	if before != nil {
		h.Before = func(ctx context.Context, c op.Caller, in proto.Message) (out proto.Message, err error) {
			defer s.catch(&err, "before hook of "+what)
			out, err = before(s.host.CallerContext(ctx, ModeBefore, c), in)
			switch {
			case err != nil:
				return nil, told(err)
			case e.Request == emptyType:
				return in, nil
			case out == nil || !out.ProtoReflect().IsValid():
				return nil, nil
			}
			return out, nil
		}
	}
	if after != nil {
		h.After = func(ctx context.Context, c op.Caller, in, out proto.Message) {
			if e.Response == emptyType {
				out = nil
			}
			s.after(what, func() error { return after(s.host.CallerContext(ctx, ModeAfter, c), out, in) })
		}
	}
	return h
}

func (s *Set) envelopeHook(e *op.Entry, before BeforeEnvelope, after AfterEnvelope) (h op.Hook) {
	what := e.Spec.Name
	if before != nil {
		h.Before = func(ctx context.Context, c op.Caller, in proto.Message) (m proto.Message, err error) {
			defer s.catch(&err, "before hook of "+what)
			frame := frameOf(ctx)
			out, err := before(s.host.CallerContext(ctx, ModeBefore, c), envelope(frame.Cid, in))
			switch {
			case err == error(ErrBeforeEnvelope):
				frame.Cid = ""
				return nil, err
			case err != nil:
				return nil, told(err)
			case out == nil:
				return nil, nil
			}
			frame.Cid = out.Cid
			field := out.ProtoReflect().WhichOneof(envelopeMessage)
			if field == nil {
				return nil, errMissing
			}
			return out.ProtoReflect().Get(field).Message().Interface(), nil
		}
	}
	if after != nil {
		h.After = func(ctx context.Context, c op.Caller, in, out proto.Message) {
			cid := frameOf(ctx).Cid
			var answer *rtapi.Envelope
			if !e.Spec.Silent {
				answer = envelope(cid, out)
			}
			s.after(what, func() error { return after(s.host.CallerContext(ctx, ModeAfter, c), answer, envelope(cid, in)) })
		}
	}
	return h
}

// after runs an after hook, whose failure is nobody's but ours.
func (s *Set) after(what string, f func() error) {
	err := func() (err error) {
		defer s.catch(&err, "after hook of "+what)
		return f()
	}()
	if err != nil && err != error(errPanic) {
		s.log.Error("After hook failed", "operation", what, "error", err)
	}
}

// told is a hook's error with what callers are told of it; the door logs it if it is ours to worry about.
func told(err error) error { return &rpc.Failure{Refusal: refusal(err), Cause: err} }

// errMissing answers an envelope without a message, whoever made it.
var errMissing = errs.New(errs.InvalidArgument, "Missing message.").On(errs.MissingPayload)

// frameOf is the message's frame; native sessions have none, as their calls carry no cid.
func frameOf(ctx context.Context) *op.Frame {
	if f := op.FrameOf(ctx); f != nil {
		return f
	}
	return &op.Frame{}
}

var (
	envelopeMessage = (*rtapi.Envelope)(nil).ProtoReflect().Descriptor().Oneofs().ByName("message")
	envelopeFields  = fieldsByType()
)

func fieldsByType() map[protoreflect.FullName]protoreflect.FieldDescriptor {
	fields := map[protoreflect.FullName]protoreflect.FieldDescriptor{}
	for i := range envelopeMessage.Fields().Len() {
		f := envelopeMessage.Fields().Get(i)
		fields[f.Message().FullName()] = f
	}
	return fields
}

// envelope puts a message where clients see it. Nothing to say is an acknowledgement.
func envelope(cid string, m proto.Message) *rtapi.Envelope {
	e := &rtapi.Envelope{Cid: cid}
	if m == nil || !m.ProtoReflect().IsValid() {
		return e
	}
	if field := envelopeFields[m.ProtoReflect().Descriptor().FullName()]; field != nil {
		e.ProtoReflect().Set(field, protoreflect.ValueOfMessage(m.ProtoReflect()))
	}
	return e
}
