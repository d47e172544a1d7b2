package main

import (
	"os"
	"strings"
	"testing"
)

func TestGoldenSlotsAreSealed(t *testing.T) {
	text, err := os.ReadFile("../../" + slotsPath)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := readSlots(text); err != nil {
		t.Error(err)
	}
}

// The list only grows: new fields come last, gone fields leave holes, and what is sealed cannot be edited.
func TestSlotsAreAppendOnly(t *testing.T) {
	list, err := readSlots([]byte(slotsHeader))
	if err != nil {
		t.Fatal(err)
	}
	assign := func(fields string, want string) {
		t.Helper()
		m := &message{Message: anyMessage(t).Message}
		for name := range strings.FieldsSeq(fields) {
			m.slots = append(m.slots, &field{name: name, fbs: "int"})
		}
		if _, err := list.assign(m); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range m.slots {
			got = append(got, f.name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("got slots %v, want %s", got, want)
		}
		list.seal()
		if list, err = readSlots(list.text.Bytes()); err != nil {
			t.Fatal(err)
		}
	}
	assign("b a", "b a")
	assign("c b a", "b a c")
	assign("c d", "b a c d")
	assign("a b e", "b a c d e")

	m := &message{Message: anyMessage(t).Message, slots: []*field{{name: "a", fbs: "long"}}}
	if _, err := list.assign(m); err == nil || !strings.Contains(err.Error(), "keeps its type") {
		t.Errorf("a slot changed its type: %v", err)
	}

	text := list.text.String()
	for _, edit := range []string{
		strings.Replace(text, " 1 a int", " 1 z int", 1),
		strings.Replace(text, " 0 b int\n", " 0 b long\n", 1),
		strings.Replace(text, " 2 c int", " 3 c int", 1),
		text + "x.Y 0 unsealed int\n",
	} {
		if _, err := readSlots([]byte(edit)); err == nil {
			t.Errorf("accepted:\n%s", edit)
		}
	}
}

func anyMessage(t *testing.T) *message {
	t.Helper()
	chdir(t)
	c, err := readCatalogue()
	if err != nil {
		t.Fatal(err)
	}
	return c.messages[0]
}

// chdir goes to the module's root, where gen runs.
func chdir(t *testing.T) {
	if _, err := os.Stat("go.mod"); err != nil {
		t.Chdir("../..")
	}
}
