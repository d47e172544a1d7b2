package lua

import (
	"math"
	"math/bits"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// Sizes that functions of the library refuse to go beyond, since the interpreter cannot end a call within one of them.
const (
	textMax    = 64 << 20 // bytes of what string.rep, string.format and table.concat make
	subjectMax = 1 << 20  // bytes that patterns look through
	patternMax = 1 << 10  // bytes of a pattern
	sortMax    = 1 << 20  // elements
)

var started = time.Now()

// openLibraries gives the machine what modules may use: no files, no processes, no coroutines.
func (m *machine) openLibraries() {
	L := m.root
	for _, open := range []lua.LGFunction{lua.OpenBase, lua.OpenPackage, lua.OpenTable, lua.OpenString, lua.OpenMath} {
		L.Push(L.NewFunction(open))
		L.Call(0, 0)
	}
	L.SetGlobal("pcall", L.NewFunction(m.pcall))
	L.SetGlobal("xpcall", L.NewFunction(m.xpcall))
	L.SetGlobal("_printregs", lua.LNil)
	L.SetGlobal("_GOPHER_LUA_VERSION", lua.LNil)

	pkg := L.GetGlobal("package").(*lua.LTable)
	pkg.RawSetString("path", lua.LString(m.program.searchPath()))
	loaders := pkg.RawGetString("loaders").(*lua.LTable)
	loaders.RawSetInt(2, L.NewFunction(func(L *lua.LState) int { // instead of the one that reads files
		L.Push(lua.LString("no module '" + L.CheckString(1) + "' among those that were there at the start"))
		return 1
	}))

	m.limitLibraries()
	L.SetFuncs(L.GetGlobal("math").(*lua.LTable), map[string]lua.LGFunction{"log10": mathLog10})
	L.SetGlobal("os", L.SetFuncs(L.NewTable(), map[string]lua.LGFunction{"clock": osClock, "date": osDate, "difftime": osDiff, "time": osTime}))
	L.SetGlobal("bit32", L.SetFuncs(L.NewTable(), bit32))
	m.openNakama()
}

func mathLog10(L *lua.LState) int {
	L.Push(lua.LNumber(math.Log10(float64(L.CheckNumber(1)))))
	return 1
}

// limitLibraries puts a check of sizes before the functions that need one.
func (m *machine) limitLibraries() {
	str, tab := m.root.GetGlobal("string").(*lua.LTable), m.root.GetGlobal("table").(*lua.LTable)
	m.guard(str, "rep", func(L *lua.LState) {
		if n := L.CheckInt(2); n > 0 && len(L.CheckString(1)) > 0 && n > textMax/len(L.CheckString(1)) {
			L.RaiseError("resulting string is larger than %d bytes", textMax)
		}
	})
	m.guard(str, "format", func(L *lua.LState) {
		if width := formatWidth(L.CheckString(1)); width > textMax {
			L.RaiseError("a format of %d characters is too wide", width)
		}
	})
	for _, name := range []string{"find", "match", "gmatch", "gfind", "gsub"} {
		m.guard(str, name, func(L *lua.LState) {
			if len(L.CheckString(1)) > subjectMax || len(L.CheckString(2)) > patternMax {
				L.RaiseError("%s looks through %d bytes at most, with patterns of up to %d", name, subjectMax, patternMax)
			}
		})
	}
	m.guard(tab, "sort", func(L *lua.LState) {
		if n := L.CheckTable(1).Len(); n > sortMax {
			L.RaiseError("table.sort sorts %d elements at most", sortMax)
		}
	})
	m.guard(tab, "concat", func(L *lua.LState) {
		size, between := 0, len(L.OptString(2, ""))
		t := L.CheckTable(1)
		for i := L.OptInt(3, 1); i <= L.OptInt(4, t.Len()) && size <= textMax; i++ {
			size += len(lua.LVAsString(t.RawGetInt(i))) + between
		}
		if size > textMax {
			L.RaiseError("resulting string is larger than %d bytes", textMax)
		}
	})
}

func (m *machine) guard(library *lua.LTable, name string, check func(*lua.LState)) {
	f, ok := library.RawGetString(name).(*lua.LFunction)
	if !ok {
		return
	}
	inner := f.GFunction
	upvalues := make([]lua.LValue, len(f.Upvalues))
	for i, u := range f.Upvalues {
		upvalues[i] = u.Value()
	}
	library.RawSetString(name, m.root.NewClosure(func(L *lua.LState) int { check(L); return inner(L) }, upvalues...))
}

// formatWidth is the widest that any field of a format asks for.
func formatWidth(format string) (widest int) {
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			continue
		}
		n := 0
		for i++; i < len(format) && strings.IndexByte("-+ #.0123456789", format[i]) >= 0; i++ {
			if format[i] >= '0' && format[i] <= '9' && n <= textMax {
				n = n*10 + int(format[i]-'0')
			} else {
				n = 0
			}
			widest = max(widest, n)
		}
	}
	return widest
}

func osClock(L *lua.LState) int {
	L.Push(lua.LNumber(time.Since(started).Seconds()))
	return 1
}

func osDiff(L *lua.LState) int {
	L.Push(L.CheckNumber(1) - L.CheckNumber(2))
	return 1
}

// osTime is now, or the time that a table names, in seconds of UTC.
func osTime(L *lua.LState) int {
	if L.GetTop() == 0 || L.Get(1) == lua.LNil {
		L.Push(lua.LNumber(time.Now().Unix()))
		return 1
	}
	t := L.CheckTable(1)
	field := func(name string, otherwise int) int {
		if n, ok := t.RawGetString(name).(lua.LNumber); ok {
			return int(n)
		}
		if otherwise < 0 {
			L.RaiseError("field '%s' missing in date table", name)
		}
		return otherwise
	}
	at := time.Date(field("year", -1), time.Month(field("month", -1)), field("day", -1), field("hour", 12), field("min", 0), field("sec", 0), 0, time.UTC)
	L.Push(lua.LNumber(at.Unix()))
	return 1
}

// dateLayouts are what the letters of os.date stand for.
var dateLayouts = map[byte]string{
	'a': "Mon", 'A': "Monday", 'b': "Jan", 'B': "January", 'c': time.RFC822, 'd': "02", 'F': "2006-01-02", 'H': "15", 'I': "03",
	'm': "01", 'M': "04", 'p': "pm", 'S': "05", 'x': "02/01/06", 'X': "15:04:05", 'y': "06", 'Y': "2006", 'z': "-0700", 'Z': "MST",
}

func osDate(L *lua.LState) int {
	format, at := L.OptString(1, "%c"), time.Now()
	if L.GetTop() >= 2 && L.Get(2) != lua.LNil {
		at = time.Unix(int64(L.CheckNumber(2)), 0)
	}
	at, format = at.UTC(), strings.TrimPrefix(format, "!")
	if strings.HasPrefix(format, "*t") {
		t := L.NewTable()
		for name, n := range map[string]int{
			"year": at.Year(), "month": int(at.Month()), "day": at.Day(), "hour": at.Hour(), "min": at.Minute(), "sec": at.Second(),
			"wday": int(at.Weekday()), "yday": at.YearDay(),
		} {
			t.RawSetString(name, lua.LNumber(n))
		}
		t.RawSetString("isdst", lua.LFalse)
		L.Push(t)
		return 1
	}
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		switch layout, ok := dateLayouts[format[i]]; {
		case ok:
			b.WriteString(at.Format(layout))
		case format[i] == '%':
			b.WriteByte('%')
		default:
			b.WriteByte('%')
			b.WriteByte(format[i])
		}
	}
	L.Push(lua.LString(b.String()))
	return 1
}

// bit32 is Lua 5.2's library of that name.
var bit32 = map[string]lua.LGFunction{
	"band":    func(L *lua.LState) int { return fold(L, math.MaxUint32, func(a, b uint32) uint32 { return a & b }) },
	"bor":     func(L *lua.LState) int { return fold(L, 0, func(a, b uint32) uint32 { return a | b }) },
	"bxor":    func(L *lua.LState) int { return fold(L, 0, func(a, b uint32) uint32 { return a ^ b }) },
	"bnot":    func(L *lua.LState) int { return pushBits(L, ^bitsAt(L, 1)) },
	"btest":   bitTest,
	"lshift":  func(L *lua.LState) int { return pushBits(L, shift(bitsAt(L, 1), L.CheckInt(2))) },
	"rshift":  func(L *lua.LState) int { return pushBits(L, shift(bitsAt(L, 1), -L.CheckInt(2))) },
	"arshift": bitArithmetic,
	"lrotate": func(L *lua.LState) int { return pushBits(L, bits.RotateLeft32(bitsAt(L, 1), L.CheckInt(2))) },
	"rrotate": func(L *lua.LState) int { return pushBits(L, bits.RotateLeft32(bitsAt(L, 1), -L.CheckInt(2))) },
	"extract": func(L *lua.LState) int {
		at, mask := bitField(L, 2)
		return pushBits(L, bitsAt(L, 1)>>at&mask)
	},
	"replace": func(L *lua.LState) int {
		at, mask := bitField(L, 3)
		return pushBits(L, bitsAt(L, 1)&^(mask<<at)|bitsAt(L, 2)&mask<<at)
	},
}

// bitsAt is an argument modulo 2^32.
func bitsAt(L *lua.LState, n int) uint32 {
	f := math.Mod(math.Trunc(float64(L.CheckNumber(n))), 1<<32)
	if f < 0 {
		f += 1 << 32
	}
	return uint32(uint64(f))
}

func pushBits(L *lua.LState, b uint32) int {
	L.Push(lua.LNumber(b))
	return 1
}

func fold(L *lua.LState, b uint32, f func(a, b uint32) uint32) int {
	for i := range L.GetTop() {
		b = f(b, bitsAt(L, i+1))
	}
	return pushBits(L, b)
}

func bitTest(L *lua.LState) int {
	b := uint32(math.MaxUint32)
	for i := range L.GetTop() {
		b &= bitsAt(L, i+1)
	}
	L.Push(lua.LBool(b != 0))
	return 1
}

func shift(b uint32, n int) uint32 {
	switch {
	case n >= 32 || n <= -32:
		return 0
	case n >= 0:
		return b << n
	}
	return b >> -n
}

func bitArithmetic(L *lua.LState) int {
	b, n := bitsAt(L, 1), L.CheckInt(2)
	switch {
	case n < 0:
		return pushBits(L, shift(b, -n))
	case n > 31:
		n = 31
	}
	return pushBits(L, uint32(int32(b)>>n))
}

// bitField is where a field of bits begins, and its mask at bit 0.
func bitField(L *lua.LState, n int) (at int, mask uint32) {
	at, width := L.CheckInt(n), L.OptInt(n+1, 1)
	if at < 0 || width < 1 || at+width > 32 {
		L.RaiseError("trying to access non-existent bits")
	}
	return at, uint32(1<<width - 1)
}
