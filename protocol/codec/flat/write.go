package flat

import (
	"errors"
	"slices"
	"unicode/utf8"

	flatbuffers "github.com/google/flatbuffers/go"
	"google.golang.org/protobuf/types/known/timestamppb"
)

type uoffset = flatbuffers.UOffsetT

var (
	errUTF8 = errors.New("text is not UTF-8")
	errTime = errors.New("time is outside the years 1 to 9999")
)

// writer is a builder and what generated code needs beside it. Children are written before their parent, so lists
// keep their elements' offsets, and maps their keys, on these two stacks meanwhile.
type writer struct {
	*flatbuffers.Builder
	offsets []uoffset
	keys    []string
	err     error // the first one; what is written after it is thrown away
}

// text writes a string. The offset is never 0.
func (w *writer) text(s string) uoffset {
	if !utf8.ValidString(s) && w.err == nil {
		w.err = errUTF8
	}
	return w.CreateString(s)
}

func (w *writer) texts(list []string) uoffset {
	mark := len(w.offsets)
	for _, s := range list {
		w.offsets = append(w.offsets, w.text(s))
	}
	return w.vector(mark)
}

// vector writes the offsets above mark as one vector and takes them off the stack.
func (w *writer) vector(mark int) uoffset {
	list := w.offsets[mark:]
	w.StartVector(flatbuffers.SizeUOffsetT, len(list), flatbuffers.SizeUOffsetT)
	for i := len(list) - 1; i >= 0; i-- {
		w.PrependUOffsetT(list[i])
	}
	w.offsets = w.offsets[:mark]
	return w.EndVector(len(list))
}

// sorted puts m's keys on the key stack in order; they are w.keys[mark:]. The caller drops them.
func sorted[V any](w *writer, m map[string]V) (mark int) {
	mark = len(w.keys)
	for k := range m {
		w.keys = append(w.keys, k)
	}
	slices.Sort(w.keys[mark:])
	return mark
}

// drop takes keys off the stack and forgets the strings, so that a pooled writer holds no message's memory.
func (w *writer) drop(mark int) {
	clear(w.keys[mark:])
	w.keys = w.keys[:mark]
}

// micros is a Timestamp as microseconds since 1970; nanoseconds are counted upwards, so cutting them rounds down.
func (w *writer) micros(t *timestamppb.Timestamp) int64 {
	if !t.IsValid() && w.err == nil {
		w.err = errTime
	}
	return t.GetSeconds()*1e6 + int64(t.GetNanos())/1e3
}
