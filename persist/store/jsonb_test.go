package store

import (
	"encoding/json"
	"errors"
	"reflect"
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
	{`[]`, `[]`},
	{` {"b" : {"y":1,"x":[{"d":1,"c":2}]} , "a\n":2, "aé":3, "a\"" : 4, "b":{"z":{},"y":0}}`, `{"b": {"y": 0, "z": {}}, "a\n": 2, "a\"": 4, "aé": 3}`},
	{`"\ud83d\ude00\u007f\u001f\/\b\f"`, "\"😀\u007f\\u001f/\\b\\f\""},
	{`[0e5, 0.000e2, 0.000e5, -0e-3, 12.34e1, 12.34E+5, 12.34e-4, 0.00120e2, -1e0]`, `[0, 0.0, 0, 0.000, 123.4, 1234000, 0.001234, 0.120, -1]`},
	{`0e1000000000`, `0`},
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
	refuse := func(bad string, notJSON bool) {
		t.Helper()
		if got, err := Normalise(JSON(bad)); !errors.Is(err, ErrInvalidValue) || errors.Is(err, ErrNotJSON) != notJSON {
			t.Errorf("Normalise(%.20s) = %s, %v", bad, got, err)
		}
	}
	for _, bad := range []string{``, ` `, `{`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{a:1}`, `[1,]`, `[,1]`, `[1 2]`, `1 2`, `nul`, `truex`, `01`, `-`, `+1`, `1.`, `.5`, `1e`, `1e+`,
		`"`, `"a`, `"\`, `"\x"`, `"\u12"`, `"\u12g4"`, "\"\t\"", "\"\x00\"", `'a'`} {
		refuse(bad, true)
	}
	for _, bad := range []string{`"\u0000"`, `{"\u0000":1}`, `"\ud83d"`, `"\ude00"`, `"\ud83d\ud83d"`, `"\ud83dx"`, `"\ud83d\n"`, "\"\xff\"", "\"\xed\xa0\x80\"", `1e999999`, `1e131072`,
		`0.1e131073`, `1e-16384`, `0e-16384`, `0e1073741824`, `1e99999999999999999999`, strings.Repeat("[", 100000), strings.Repeat("9", 131073), "1." + strings.Repeat("0", 16384)} {
		refuse(bad, false)
	}
	for _, good := range []string{`1e131071`, `0.1e131072`, `1e-16383`, `0e-16383`, strings.Repeat("9", 131072), "1." + strings.Repeat("0", 16383),
		strings.Repeat("[", 1000) + strings.Repeat("]", 1000)} {
		if _, err := Normalise(JSON(good)); err != nil {
			t.Errorf("Normalise(%.20s): %v", good, err)
		}
	}
}

func TestNormaliseOfNormalTextAllocatesNothing(t *testing.T) {
	text := JSON(`{"a": 1.50, "b": [true, null, "x\n"], "c": {"deep": {}}, "longer": "é"}`)
	if n := testing.AllocsPerRun(100, func() {
		if got, err := Normalise(text); err != nil || got != text {
			t.Fatal(got, err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkNormalise(b *testing.B) {
	text := JSON(`{"level":12,"name":"Ann","items":[{"id":1,"count":3},{"id":7,"count":1}],"position":{"x":1.5,"y":-2.25,"z":0},"flags":[true,false]}`)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Normalise(text); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzNormalise(f *testing.F) {
	for _, c := range jsonbCases {
		f.Add(c[0])
	}
	f.Add(`{"a":"\ud83d\ude00","a":[1e5,-0.0e-2,{"\n":1,"\u0001":2}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Normalise(JSON(text))
		if valid := json.Valid([]byte(text)); err == nil && !valid || errors.Is(err, ErrNotJSON) && valid {
			t.Errorf("%q: json.Valid says %v, Normalise %v", text, valid, err)
		}
		if err != nil {
			return
		}
		var sent, kept any
		if json.Unmarshal([]byte(text), &sent) == nil && (json.Unmarshal([]byte(got), &kept) != nil || !reflect.DeepEqual(sent, kept)) {
			t.Errorf("%q became %q, another value", text, got)
		}
		if again, err := Normalise(got); err != nil || again != got {
			t.Errorf("%q became %q, then %q, %v", text, got, again, err)
		}
	})
}
