package id

import (
	"bytes"
	"strings"
	"testing"
)

func TestUUID(t *testing.T) {
	u, err := NewV4(bytes.NewReader(bytes.Repeat([]byte{0xff}, 16)))
	if err != nil || u.String() != "ffffffff-ffff-4fff-bfff-ffffffffffff" {
		t.Fatalf("NewV4 = %s, %v", u, err)
	}
	for _, s := range []string{u.String(), strings.ToUpper(u.String()), strings.ReplaceAll(u.String(), "-", "")} {
		if back, err := Parse(s); err != nil || back != u {
			t.Errorf("Parse(%s) = %s, %v", s, back, err)
		}
	}
	if _, err := NewV4(bytes.NewReader(nil)); err == nil {
		t.Error("no randomness, yet an id")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("00000000-0000-0000-0000-000000000000")
	f.Add("ffffffff-ffff-4fff-bfff-fffffffffff")
	f.Add("ffffffffffff4fffbfffffffffffffff")
	f.Fuzz(func(t *testing.T, s string) {
		if u, err := Parse(s); err == nil && !strings.EqualFold(u.String(), s) && !strings.EqualFold(strings.ReplaceAll(u.String(), "-", ""), s) {
			t.Errorf("Parse(%q) = %s", s, u)
		}
	})
}
