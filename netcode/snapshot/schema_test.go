package snapshot

import (
	"strings"
	"testing"
	"unsafe"
)

func TestSchemaErrors(t *testing.T) {
	f := func(proto any, want string) {
		t.Helper()
		_, err := NewSchema(SchemaSpec{Rate: 60, Kinds: []KindSpec{{Proto: proto, Cap: 1, Name: "K"}}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want …%s…", err, want)
		}
	}
	f(3, "is not a struct")
	f(nil, "is not a struct")
	f(struct{ A int }{}, "no field with a snap tag")
	f(struct {
		A int `snap:"bits=7,colour=red"`
	}{}, `A: unknown word "colour"`)
	f(struct {
		A int `snap:""`
	}{}, "needs more than 32 bits")
	f(struct {
		A int8 `snap:"bits=9"`
	}{}, "9 bits do not fit into int8")
	f(struct {
		A uint8 `snap:"min=-1,max=3"`
	}{}, "range -1 to 3 does not fit into uint8")
	f(struct {
		A uint8 `snap:"min=0,max=100,wrap"`
	}{}, "not a power of two")
	f(struct {
		A float32 `snap:"quant=1/64"`
	}{}, "needs min and max")
	f(struct {
		A float32 `snap:"min=0,max=1"`
	}{}, "needs quant, or bits")
	f(struct {
		A float32 `snap:"quant=0.3,min=-1,max=1"`
	}{}, "not a whole number of steps")
	f(struct {
		A float32 `snap:"quant=1/65536,min=-256,max=256"`
	}{}, "finer than the type can hold")
	f(struct {
		A float32 `snap:"quant=x,min=-1,max=1"`
	}{}, `"x" is not a number`)
	f(struct {
		A float32 `snap:"quant=1,min=-8,max=8,rate=B"`
	}{}, "A: rate=B is no field")
	f(struct {
		A float32 `snap:"quant=1,min=-8,max=8,rate=B"`
		B float32 `snap:"quant=1,min=-8,max=8,rate=A"`
	}{}, "leads back to itself")
	f(struct {
		A float32 `snap:"quant=1/1024,min=-8,max=8,rate=B"`
		B float32 `snap:"quant=1024,min=-2048,max=2048"`
	}{}, "use a finer step there")
	f(struct {
		A string `snap:""`
	}{}, "string does not travel")
	f(struct {
		A bool `snap:"bits=2"`
	}{}, "a bool is one bit")
	f(struct {
		A [33]bool `snap:""`
	}{}, "33 fields, at most 32")
	f(struct {
		A struct{ B bool } `snap:"bits=1"`
	}{}, "tag the fields of a struct")
	f(struct {
		A uint8 `snap:"prio=0"`
	}{}, "prio=0 is not within")

	g := func(spec SchemaSpec, want string) {
		t.Helper()
		if _, err := NewSchema(spec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want …%s…", err, want)
		}
	}
	one := []KindSpec{{Proto: pickup{}, Cap: 1}}
	g(SchemaSpec{Rate: 0, Kinds: one}, "rate 0 is not within")
	g(SchemaSpec{Rate: 60}, "0 kinds")
	g(SchemaSpec{Rate: 60, Kinds: []KindSpec{{Proto: pickup{}, Cap: 4097}}}, "capacity 4097")
	g(SchemaSpec{Rate: 60, Kinds: []KindSpec{{Proto: struct {
		A bool `snap:""`
	}{}, Cap: 1}}}, "needs a name")
	g(SchemaSpec{Rate: 60, Kinds: one, Events: []any{struct{}{}}}, "event 0: ")
}

func TestSchemaText(t *testing.T) {
	s, err := NewSchema(SchemaSpec{Rate: 60, Kinds: []KindSpec{{Proto: player{}, Cap: 16}, {Proto: pickup{}, Cap: 3}}, Input: look{}, Events: []any{score{}}})
	if err != nil {
		t.Fatal(err)
	}
	want := `skirmish schema 1
rate 60
kind player 16
component motion 1803
component look 4
component vitals 18
component arms e0
component score 700
field motion.VX f 12 -1024 2048 3fa0000000000000 line
field motion.VY f 12 -1024 2048 3fa0000000000000 line
field look.Yaw f 12 0 4095 3f5921fb54442d18 wrap
field vitals.Health i 7 0 127 3ff0000000000000 line
field vitals.Armor i 7 0 127 3ff0000000000000 line
field arms.Ammo i 7 0 127 3ff0000000000000 line
field arms.Weapon i 3 0 7 3ff0000000000000 line
field arms.Flags i 6 0 63 3ff0000000000000 line
field score.Team i 2 0 3 3ff0000000000000 line
field score.Kills i 9 0 511 3ff0000000000000 line
field score.Deaths i 9 0 511 3ff0000000000000 line
field motion.X f 19 -131072 262144 3f60000000000000 line rate 0 279620
field motion.Y f 19 -131072 262144 3f60000000000000 line rate 1 279620
kind pickup 3
component pickup 3
field Kind i 3 0 7 3ff0000000000000 line
field Taken b 1 0 1 3ff0000000000000 line
input look
component look 1
field Yaw f 12 0 4095 3f5921fb54442d18 wrap
event score
component score 7
field Team i 2 0 3 3ff0000000000000 line
field Kills i 9 0 511 3ff0000000000000 line
field Deaths i 9 0 511 3ff0000000000000 line
`
	if s.Text() != want {
		t.Errorf("got\n%s", s.Text())
	}
	if kind, slot := s.Locate(17); kind != 1 || slot != 1 || s.Kind(1).ID(1) != 17 || s.Cap() != 19 || s.Words() != 1 {
		t.Errorf("id 17 is slot %d of kind %d", slot, kind)
	}
	if k, ok := KindOf[pickup](s); k != 1 || !ok {
		t.Errorf("pickup is kind %d, %v", k, ok)
	}
	if _, ok := KindOf[score](s); ok {
		t.Error("score is no kind")
	}
	if e, ok := EventOf[score](s); e != 0 || !ok {
		t.Errorf("score is event %d, %v", e, ok)
	}
}

// TestMemory: a Viewer of 128 entities fits into half of what a client may cost in all (wire.md 2).
func TestMemory(t *testing.T) {
	s := testSchema(t, 16, 48, 64)
	v := NewViewer(NewWorld(s))
	bytes := int(unsafe.Sizeof(*v)) + 8*(cap(v.held)+cap(v.late)+8*s.words+cap(v.budget.queue)) + cap(v.ages) + cap(v.versions) + 4*cap(v.budget.gained)
	if bytes > 16<<10 {
		t.Errorf("%d bytes", bytes)
	}
	t.Logf("%d bytes", bytes)
}
