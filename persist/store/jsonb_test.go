package store

import (
	"errors"
	"strings"
	"testing"
)

// jsonbCases were printed by PostgreSQL 15 for SELECT in::jsonb::text; persist/pg's tests ask the running server again.
var jsonbCases = [][2]string{
	{`{}`, `{}`},
	{` [ 1,2 , "x"] `, `[1, 2, "x"]`},
	{`{"bb":1,"a":2,"c":3}`, `{"a": 2, "c": 3, "bb": 1}`},
	{`{"a":1,"a":2}`, `{"a": 2}`},
	{`1e2`, `100`},
	{`1.50e-1`, `0.150`},
	{`-0`, `0`},
	{`-0.00`, `0.00`},
	{`1.500`, `1.500`},
	{`12345678901234567890.123`, `12345678901234567890.123`},
	{`"\u00e9\/\t\u0001"`, `"é/\t\u0001"`},
	{`[true,false,null]`, `[true, false, null]`},
}

func TestNormalise(t *testing.T) {
	for _, c := range jsonbCases {
		got, err := Normalise(JSON(c[0]))
		if err != nil || string(got) != c[1] {
			t.Errorf("Normalise(%s) = %s, %v; want %s", c[0], got, err, c[1])
		}
		if again, err := Normalise(got); err != nil || again != got {
			t.Errorf("Normalise is not stable on %s: %s, %v", got, again, err)
		}
	}
	for _, bad := range []string{``, `{`, `{"a"}`, `1 2`, `"\u0000"`, `nul`, `1e999999`, strings.Repeat("[", 100000)} {
		if got, err := Normalise(JSON(bad)); !errors.Is(err, ErrInvalidValue) {
			t.Errorf("Normalise(%.20s) = %s, %v", bad, got, err)
		}
	}
}

func FuzzNormalise(f *testing.F) {
	for _, c := range jsonbCases {
		f.Add(c[0])
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Normalise(JSON(text))
		if err != nil {
			return
		}
		if again, err := Normalise(got); err != nil || again != got {
			t.Errorf("%q became %q, then %q, %v", text, got, again, err)
		}
	})
}
