// Package flat writes and reads catalogue messages as FlatBuffers tables, the form of native sessions. The codecs
// (*.gen.go) are generated from the messages' descriptors and slots.golden, over the official runtime, without
// reflection; the same schema is published as protocol/codec/fbs/*.fbs. `make gen` writes all of it.
//
// How a message stands in a table: each field has its slot for ever; a scalar at zero, an empty string and an empty
// list are absent; wrapper = optional scalar; oneof = one optional field per arm, at most one present; Timestamp =
// int64 microseconds; map = vector of {key, value} sorted by key; bytes = [ubyte]. What a Timestamp holds below a
// microsecond is cut off; nothing else is lost.
//
// Append is for our own messages. Decode takes bytes from the network and verifies them first, since the runtime
// reads whatever offsets say. Any goroutine may call anything here.
package flat

import (
	"fmt"
	"sync"

	flatbuffers "github.com/google/flatbuffers/go"
	"google.golang.org/protobuf/proto"
)

// writers keep their builders between messages, so that Append allocates nothing.
var writers = sync.Pool{New: func() any { return &writer{Builder: flatbuffers.NewBuilder(1024)} }}

// keptMax is the largest builder that goes back to the pool: one message of the largest kind must not stay for ever.
const keptMax = 64 << 10

// Append writes m's table at the end of dst and returns dst's new form. Offsets count from where the table begins.
// Errors: m is of no catalogue type, holds text that is not UTF-8, or a Timestamp outside the years 1 to 9999.
func Append(dst []byte, m proto.Message) ([]byte, error) {
	w := writers.Get().(*writer)
	w.Reset()
	w.err = nil
	root, ok := w.put(m)
	if !ok {
		writers.Put(w)
		return nil, fmt.Errorf("flat: %T is no catalogue message", m)
	}
	err := w.err
	if err == nil {
		w.Finish(root)
		dst = append(dst, w.FinishedBytes()...)
	}
	if cap(w.Bytes) <= keptMax {
		writers.Put(w)
	}
	if err != nil {
		return nil, fmt.Errorf("flat: %s: %w", m.ProtoReflect().Descriptor().FullName(), err)
	}
	return dst, nil
}

// Decode verifies data and reads it into m, which is reset first. m keeps nothing of data.
// Refusals are InvalidArgument and leave m as it was.
func Decode(data []byte, m proto.Message) error {
	index := indexOf(m)
	if index < 0 {
		return fmt.Errorf("flat: %T is no catalogue message", m)
	}
	if err := verify(data, &tables[index]); err != nil {
		return err
	}
	root := reader{Bytes: data, Pos: flatbuffers.GetUOffsetT(data)}
	get(&root, m)
	return nil
}
