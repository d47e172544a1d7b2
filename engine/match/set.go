package match

// Set is a set of entities, of all kinds.
type Set struct{ words []uint64 }

// Has reports whether id is in it.
func (s *Set) Has(id ID) bool { return int(id)>>6 < len(s.words) && s.words[id>>6]>>(id&63)&1 != 0 }

// Add puts id in. An id beyond the schema's changes nothing.
func (s *Set) Add(id ID) {
	if int(id)>>6 < len(s.words) {
		s.words[id>>6] |= 1 << (id & 63)
	}
}

// Remove takes id out.
func (s *Set) Remove(id ID) {
	if int(id)>>6 < len(s.words) {
		s.words[id>>6] &^= 1 << (id & 63)
	}
}

// Clear takes all out.
func (s *Set) Clear() { clear(s.words) }
