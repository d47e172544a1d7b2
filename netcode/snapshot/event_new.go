package snapshot

import "reflect"

// DecodeEvent makes the event in data: a pointer to a new struct of its type. It allocates; LoadEvent does not.
func (s *Schema) DecodeEvent(data []byte) (any, error) {
	event, ok := s.EventIndex(data)
	if !ok {
		return nil, ErrEvent
	}
	v := reflect.New(s.events[event].typ)
	if !s.LoadEvent(data, v.UnsafePointer()) {
		return nil, ErrEvent
	}
	return v.Interface(), nil
}
