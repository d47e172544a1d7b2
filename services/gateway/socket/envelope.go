package socket

import (
	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/op"
)

var (
	// messageField is the oneof that holds an envelope's message.
	messageField = (*rtapi.Envelope)(nil).ProtoReflect().Descriptor().Oneofs().ByName("message")
	// answerFields says which field an answer of a type goes into.
	answerFields = fieldsByType()
	emptyName    = (*emptypb.Empty)(nil).ProtoReflect().Descriptor().FullName()
)

func fieldsByType() map[protoreflect.FullName]protoreflect.FieldDescriptor {
	fields := map[protoreflect.FullName]protoreflect.FieldDescriptor{}
	for i := range messageField.Fields().Len() {
		f := messageField.Fields().Get(i)
		if name := f.Message().FullName(); fields[name] == nil {
			fields[name] = f
		} else {
			panic("socket: two fields of rtapi.Envelope are " + string(name))
		}
	}
	return fields
}

// Refusals of the envelope itself; clients know their words.
var (
	errMissing      = errs.New(errs.InvalidArgument, "Missing message.").On(errs.MissingPayload)
	errUnrecognized = errs.New(errs.InvalidArgument, "Unrecognized message.").On(errs.UnrecognizedPayload)
)

// handle runs one message. It is called on the session's line, one at a time.
func (c *conn) handle(data []byte) {
	if !c.socket.Open() {
		return // it came after what made us close
	}
	if r := c.read(data); r.entry != nil {
		c.run(r)
	}
}

// request is a message that was understood; without an entry, its client has been told what is wrong with it.
type request struct {
	cid     string
	entry   *op.Entry
	message proto.Message
}

// read decodes a message. It keeps nothing of data.
func (c *conn) read(data []byte) (r request) {
	in := &rtapi.Envelope{}
	if codec.Decode(c.format, data, in) != nil {
		c.Close("received malformed payload")
		return r
	}
	field, message := messageOf(in)
	if message == nil {
		c.refuse(in.Cid, errMissing)
		return r
	}
	entry := c.server.c.Door.Registry.OnSocket(field)
	if entry == nil {
		c.refuse(in.Cid, errUnrecognized)
		return r
	}
	return request{in.Cid, entry, message}
}

// messageOf is what an envelope holds; nil when it holds nothing. Most of all messages are game data: it is spared the
// reflection, which would take as long as decoding it.
func messageOf(in *rtapi.Envelope) (field string, message proto.Message) {
	if m, ok := in.Message.(*rtapi.Envelope_MatchDataSend); ok && m.MatchDataSend != nil {
		return "match_data_send", m.MatchDataSend
	}
	f := in.ProtoReflect().WhichOneof(messageField)
	if f == nil {
		return "", nil
	}
	return string(f.Name()), in.ProtoReflect().Get(f).Message().Interface()
}

// run makes the call and answers it.
func (c *conn) run(r request) {
	cid, entry := r.cid, r.entry
	out, refusal := c.invoke(entry, &cid, r.message)
	switch {
	case refusal != nil && entry.Spec.Silent:
		c.refuse("", refusal) // nobody waits for an answer to this cid
	case refusal != nil:
		c.refuse(cid, refusal)
	case !entry.Spec.Silent:
		c.answer(cid, out)
	}
}

// invoke runs the operation. Its hooks may change the cid that the answer will carry.
func (c *conn) invoke(entry *op.Entry, cid *string, message proto.Message) (proto.Message, *errs.Error) {
	door, ctx := c.server.c.Door, c.server.ctx
	if !entry.Hooked() {
		return door.Invoke(ctx, entry, c.caller, message)
	}
	frame := op.Frame{Cid: *cid}
	out, refusal := door.Invoke(op.WithFrame(ctx, &frame), entry, c.caller, message)
	*cid = frame.Cid
	return out, refusal
}

// answer sends the result in the envelope field of its type; nothing to tell is an acknowledgement.
func (c *conn) answer(cid string, out proto.Message) {
	envelope := &rtapi.Envelope{Cid: cid}
	if out != nil {
		if m := out.ProtoReflect(); m.IsValid() && m.Descriptor().FullName() != emptyName {
			envelope.ProtoReflect().Set(answerFields[m.Descriptor().FullName()], protoreflect.ValueOfMessage(m))
		}
	}
	c.Send(codec.Share(envelope))
}

// refuse tells of a failure. After some, the client and we do not understand each other any more: the socket is closed.
func (c *conn) refuse(cid string, refusal *errs.Error) {
	code := refusal.Realtime()
	c.Send(codec.Share(&rtapi.Envelope{Cid: cid, Message: &rtapi.Envelope_Error{Error: &rtapi.Error{
		Code: int32(code), Message: refusal.Message,
	}}}))
	if code == errs.UnrecognizedPayload || code == errs.MissingPayload {
		c.Close("error processing message")
	}
}
