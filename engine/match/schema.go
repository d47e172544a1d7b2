package match

import (
	"unsafe"

	"github.com/skirmishgg/skirmish/netcode/snapshot"
)

// Spec says which structs of a game travel: entities and events to the players, inputs from them.
type Spec struct {
	kinds  []snapshot.KindSpec
	events []any
	input  any                                   // *I
	inputs func(n int) (unsafe.Pointer, uintptr) // makes n inputs: the first one's address and their size
	zero   func(unsafe.Pointer)                  // makes one the zero input
}

// Part is one struct of a Spec.
type Part func(*Spec)

// Schema is the spec of a game whose players do I. Tags of package snapshot say how each field travels:
//
//	type Input struct {
//		Move uint8 `snap:"bits=4"`
//		Fire bool  `snap:""`
//	}
//	match.Schema[Input](match.Kind[Fighter](16), match.Kind[Shot](64), match.Event[Hit]())
//
// The order of the parts is part of the protocol between server and client.
func Schema[I any](parts ...Part) Spec {
	s := Spec{
		input: (*I)(nil),
		inputs: func(n int) (unsafe.Pointer, uintptr) {
			var zero I
			return unsafe.Pointer(unsafe.SliceData(make([]I, n))), unsafe.Sizeof(zero)
		},
		zero: func(p unsafe.Pointer) { *(*I)(p) = *new(I) },
	}
	if unsafe.Sizeof(*new(I)) == 0 { // players only watch
		s.input = nil
	}
	for _, p := range parts {
		p(&s)
	}
	return s
}

// Kind is entities of struct T, at most capacity of them at a time.
func Kind[T any](capacity int) Part {
	return func(s *Spec) { s.kinds = append(s.kinds, snapshot.KindSpec{Proto: (*T)(nil), Cap: capacity}) }
}

// Event is an event of struct E: sent once, see Send.
func Event[E any]() Part {
	return func(s *Spec) { s.events = append(s.events, (*E)(nil)) }
}
