package log

import (
	"context"
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// timeLayout is ISO 8601 with milliseconds, as Nakama logs times.
const timeLayout = "2006-01-02T15:04:05.000Z0700"

// handler writes one line a record. slog's own handlers can rename keys, but not say which attribute is the record's and
// which a caller's of the same name, nor write the level first.
type handler struct {
	// constant after NewHandler, but for what WithAttrs and WithGroup change in their copies
	format Format
	level  slog.Level
	before []byte   // attributes of WithAttrs, encoded, inside the groups of then
	open   int      // JSON: how many groups before leaves open
	groups []string // of WithGroup that have no attribute yet (JSON), or all of them (text)

	out *out // shared by all copies
}

// out is where lines go, one at a time.
type out struct {
	mu sync.Mutex
	w  io.Writer
}

// NewHandler writes records of at least level to w.
func NewHandler(w io.Writer, format Format, level slog.Level) slog.Handler {
	return &handler{format: format, level: level, out: &out{w: w}}
}

func (h *handler) Enabled(_ context.Context, level slog.Level) bool { return level >= h.level }

func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	c := *h
	c.groups = append(slices.Clip(h.groups), name)
	return &c
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	e := encoder{b: slices.Clone(h.before), text: h.forPeople(), color: h.format == TextColor}
	c.open, c.groups = e.attrs(h.open, h.groups, attrs)
	c.before = e.b
	return &c
}

func (h *handler) forPeople() bool { return h.format >= Text }

var lines = sync.Pool{New: func() any { b := make([]byte, 0, 512); return &b }}

// Handle writes the record's line in one Write.
func (h *handler) Handle(_ context.Context, r slog.Record) error {
	pooled := lines.Get().(*[]byte)
	e := encoder{b: (*pooled)[:0], text: h.forPeople(), color: h.format == TextColor}
	h.head(&e, r)
	if !e.text && len(h.before) > 0 {
		e.comma()
	}
	e.b = append(e.b, h.before...)
	open, groups := h.open, h.groups
	attrs := make([]slog.Attr, 0, 16)
	r.Attrs(func(a slog.Attr) bool { attrs = append(attrs, a); return true })
	open, _ = e.attrs(open, groups, attrs)
	if !e.text {
		for range open + 1 {
			e.b = append(e.b, '}')
		}
	}
	e.b = append(e.b, '\n')
	h.out.mu.Lock()
	_, err := h.out.w.Write(e.b)
	h.out.mu.Unlock()
	if cap(e.b) <= 16<<10 {
		*pooled = e.b
		lines.Put(pooled)
	}
	return err
}

// head writes what every record has.
func (h *handler) head(e *encoder, r slog.Record) {
	switch h.format {
	case JSON:
		e.b = append(e.b, `{"level":"`...)
		e.b = append(e.b, levelName(r.Level)...)
		e.b = append(e.b, '"')
		if !r.Time.IsZero() {
			e.b = r.Time.AppendFormat(append(e.b, `,"ts":"`...), timeLayout)
			e.b = append(e.b, '"')
		}
		e.caller(r.PC)
		e.str(append(e.b, `,"msg":`...), r.Message)
	case Stackdriver:
		e.b = append(e.b, `{"severity":"`...)
		e.b = append(e.b, severity(r.Level)...)
		e.b = append(e.b, '"')
		if !r.Time.IsZero() {
			e.b = r.Time.AppendFormat(append(e.b, `,"time":"`...), timeLayout)
			e.b = append(e.b, '"')
		}
		e.caller(r.PC)
		e.str(append(e.b, `,"message":`...), r.Message)
	default:
		if !r.Time.IsZero() {
			e.dim(func() { e.b = r.Time.Local().AppendFormat(e.b, "15:04:05.000") })
			e.b = append(e.b, ' ')
		}
		name := strings.ToUpper(levelName(r.Level))
		if e.color {
			e.b = append(e.b, levelColor(r.Level)...)
		}
		e.b = append(e.b, name...)
		if e.color {
			e.b = append(e.b, reset...)
		}
		e.b = append(e.b, "      "[:max(1, 6-len(name))]...)
		e.b = append(e.b, oneLine(r.Message)...)
		if pad := 40 - utf8.RuneCountInString(r.Message); pad > 0 && (r.NumAttrs() > 0 || len(h.before) > 0) {
			e.b = append(e.b, strings.Repeat(" ", pad)...)
		}
	}
}

func levelName(l slog.Level) string {
	switch {
	case l < slog.LevelInfo:
		return "debug"
	case l < slog.LevelWarn:
		return "info"
	case l < slog.LevelError:
		return "warn"
	case l < LevelFatal:
		return "error"
	}
	return "fatal"
}

func severity(l slog.Level) string {
	switch levelName(l) {
	case "debug":
		return "DEBUG"
	case "info":
		return "INFO"
	case "warn":
		return "WARNING"
	case "error":
		return "ERROR"
	}
	return "CRITICAL"
}

// Escape sequences of terminals.
const (
	reset = "\x1b[0m"
	dim   = "\x1b[2m"
)

func levelColor(l slog.Level) string {
	switch levelName(l) {
	case "debug":
		return "\x1b[35m"
	case "info":
		return "\x1b[32m"
	case "warn":
		return "\x1b[33m"
	}
	return "\x1b[31m"
}

// encoder appends to one line.
type encoder struct {
	b           []byte
	text, color bool
}

// attrs writes attributes inside groups, after what is there; open groups are open already. It returns what is open and
// which groups are still to be opened: a group without attributes is not written.
func (e *encoder) attrs(open int, groups []string, attrs []slog.Attr) (int, []string) {
	if e.text {
		prefix := strings.Join(groups, ".")
		for _, a := range attrs {
			e.textAttr(prefix, a)
		}
		return open, groups
	}
	if !slices.ContainsFunc(attrs, written) {
		return open, groups
	}
	for _, g := range groups {
		e.comma()
		e.str(e.b, g)
		e.b = append(e.b, ":{"...)
	}
	for _, a := range attrs {
		e.attr(a)
	}
	return open + len(groups), nil
}

// written says whether an attribute leaves anything: not an empty one, nor a group of nothing.
func written(a slog.Attr) bool {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		return slices.ContainsFunc(v.Group(), written)
	}
	return a.Key != "" || v.Any() != nil
}

// comma separates from what is before, if there is something.
func (e *encoder) comma() {
	if n := len(e.b); n > 0 && e.b[n-1] != '{' && e.b[n-1] != ',' {
		e.b = append(e.b, ',')
	}
}

// attr writes `"key":value`.
func (e *encoder) attr(a slog.Attr) {
	if !written(a) {
		return
	}
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		if a.Key != "" {
			e.comma()
			e.str(e.b, a.Key)
			e.b = append(e.b, ":{"...)
		}
		for _, one := range v.Group() {
			e.attr(one)
		}
		if a.Key != "" {
			e.b = append(e.b, '}')
		}
		return
	}
	e.comma()
	e.str(e.b, a.Key)
	e.b = append(e.b, ':')
	e.value(v)
}

func (e *encoder) value(v slog.Value) {
	switch v.Kind() {
	case slog.KindString:
		e.str(e.b, v.String())
	case slog.KindInt64:
		e.b = strconv.AppendInt(e.b, v.Int64(), 10)
	case slog.KindUint64:
		e.b = strconv.AppendUint(e.b, v.Uint64(), 10)
	case slog.KindBool:
		e.b = strconv.AppendBool(e.b, v.Bool())
	case slog.KindDuration:
		e.str(e.b, v.Duration().String())
	case slog.KindTime:
		e.str(e.b, v.Time().Format(time.RFC3339Nano))
	case slog.KindFloat64:
		e.any(v.Float64())
	default:
		e.any(v.Any())
	}
}

// any writes what has no kind of its own. A value that cannot be encoded, or panics meanwhile, must not stop the log.
func (e *encoder) any(v any) {
	at := len(e.b)
	defer func() {
		if r := recover(); r != nil {
			e.str(e.b[:at], fmt.Sprintf("!PANIC: %v", r))
		}
	}()
	switch v := v.(type) {
	case error:
		e.str(e.b, v.Error())
		return
	case json.Marshaler:
	case encoding.TextMarshaler:
		if text, err := v.MarshalText(); err == nil {
			e.str(e.b, string(text))
			return
		}
	case fmt.Stringer:
		e.str(e.b, v.String())
		return
	}
	text, err := json.Marshal(v)
	if err != nil {
		e.str(e.b, fmt.Sprintf("%+v", v))
		return
	}
	e.b = append(e.b, text...)
}

// textAttr writes ` key=value`.
func (e *encoder) textAttr(prefix string, a slog.Attr) {
	if !written(a) {
		return
	}
	key := a.Key
	if prefix != "" && key != "" {
		key = prefix + "." + key
	} else if key == "" {
		key = prefix
	}
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		for _, one := range v.Group() {
			e.textAttr(key, one)
		}
		return
	}
	e.b = append(e.b, ' ')
	e.dim(func() { e.b = append(append(e.b, oneLine(key)...), '=') })
	at := len(e.b)
	e.value(v)
	if text := e.b[at:]; len(text) > 2 && text[0] == '"' && !strings.ContainsAny(string(text[1:len(text)-1]), " \"=\\{}[]") {
		e.b = append(e.b[:at], text[1:len(text)-1]...) // no need for quotes
	}
}

func (e *encoder) dim(write func()) {
	if !e.color {
		write()
		return
	}
	e.b = append(e.b, dim...)
	write()
	e.b = append(e.b, reset...)
}

// oneLine keeps a message from looking like two, or from moving the cursor.
func oneLine(s string) string {
	control := func(r rune) bool { return r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) || r == utf8.RuneError }
	if !strings.ContainsFunc(s, control) {
		return s
	}
	quoted := strconv.Quote(s)
	return quoted[1 : len(quoted)-1]
}

// caller writes where the record is from: folder/file.go:line.
func (e *encoder) caller(pc uintptr) {
	if pc == 0 {
		return
	}
	frame, _ := runtime.CallersFrames([]uintptr{pc}).Next()
	file := frame.File
	if slash := strings.LastIndexByte(file, '/'); slash > 0 {
		file = file[strings.LastIndexByte(file[:slash], '/')+1:]
	}
	e.str(append(e.b, `,"caller":`...), file+":"+strconv.Itoa(frame.Line))
}

const hex = "0123456789abcdef"

// str appends s as a JSON string to b and makes that the line.
func (e *encoder) str(b []byte, s string) {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' && c != 0x7f {
				i++
				continue
			}
			b = append(b, s[start:i]...)
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\n':
				b = append(b, '\\', 'n')
			case '\t':
				b = append(b, '\\', 't')
			case '\r':
				b = append(b, '\\', 'r')
			default:
				b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			}
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b = append(append(b, s[start:i]...), `\ufffd`...)
			start = i + size
		case r < 0xa0: // C1: a terminal obeys it
			b = append(append(b, s[start:i]...), '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
			start = i + size
		}
		i += size
	}
	e.b = append(append(b, s[start:]...), '"')
}
