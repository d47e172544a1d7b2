package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// slotsPath is the golden list: which slot of its table each field has, for ever.
const slotsPath = "protocol/codec/slots.golden"

const slotsHeader = `# Slot of every field of every FlatBuffers table: table, slot, field, type. Written by 'make gen', append-only:
# a field keeps its slot when others come and when it goes itself. Each addition ends with a line that seals all
# lines above it by their SHA-256; a change to what is sealed is refused by 'make gen' and by the tests.
`

// slotList is the golden list in memory.
type slotList struct {
	text   bytes.Buffer
	tables map[string][]slot
}

type slot struct{ name, fbs string }

// assignSlots reads the golden list, gives every field of the catalogue its slot, appends what is new, and writes
// the list. A field whose type changed is refused.
func assignSlots(c *catalogue, files output) error {
	old, err := os.ReadFile(slotsPath)
	if os.IsNotExist(err) {
		old = []byte(slotsHeader)
	} else if err != nil {
		return err
	}
	list, err := readSlots(old)
	if err != nil {
		return fmt.Errorf("%s: %w", slotsPath, err)
	}
	grown := false
	for _, m := range c.messages {
		added, err := list.assign(m)
		if err != nil {
			return err
		}
		grown = grown || added
	}
	if grown {
		list.seal()
	}
	files[slotsPath] = list.text.Bytes()
	return nil
}

// readSlots parses the list and refuses one that was changed above a seal.
func readSlots(text []byte) (*slotList, error) {
	l := &slotList{tables: map[string][]slot{}}
	sealed := true
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		words := strings.SplitN(line, " ", 4)
		switch {
		case words[0] == "seal":
			if line != l.sum() {
				return nil, fmt.Errorf("line %d: a line above this seal was changed", n)
			}
			sealed = true
		case strings.HasPrefix(line, "#"):
		case len(words) != 4 || strconv.Itoa(len(l.tables[words[0]])) != words[1]:
			return nil, fmt.Errorf("line %d: not the next slot of its table", n)
		default:
			l.tables[words[0]] = append(l.tables[words[0]], slot{words[2], words[3]})
			sealed = false
		}
		l.text.WriteString(line + "\n")
	}
	if !sealed {
		return nil, fmt.Errorf("the last lines have no seal")
	}
	return l, nil
}

// assign orders m's fields by slot; fields that are new come last, in the order of the descriptor. Fields that are
// gone leave a hole.
func (l *slotList) assign(m *message) (grown bool, err error) {
	current := map[string]*field{}
	for _, f := range m.slots {
		current[f.name] = f
	}
	var ordered []*field
	for _, s := range l.tables[m.full()] {
		f := current[s.name]
		if f == nil {
			f = &field{name: s.name, fbs: s.fbs}
		} else if f.fbs != s.fbs {
			return false, fmt.Errorf("%s.%s was %q and is %q now: a slot keeps its type", m.full(), s.name, s.fbs, f.fbs)
		}
		delete(current, s.name)
		ordered = append(ordered, f)
	}
	for _, f := range m.slots {
		if current[f.name] == nil {
			continue
		}
		fmt.Fprintf(&l.text, "%s %d %s %s\n", m.full(), len(ordered), f.name, f.fbs)
		ordered = append(ordered, f)
		grown = true
	}
	m.slots = ordered
	return grown, nil
}

func (l *slotList) seal() { l.text.WriteString(l.sum() + "\n") }

func (l *slotList) sum() string {
	return fmt.Sprintf("seal %x", sha256.Sum256(l.text.Bytes()))
}
