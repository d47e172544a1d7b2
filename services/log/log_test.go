package log

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/slogtest"
	"time"
)

// TestSlog holds the handlers against the rules of slog.
func TestSlog(t *testing.T) {
	for format, keys := range map[Format][3]string{JSON: {"ts", "level", "msg"}, Stackdriver: {"time", "severity", "message"}} {
		var out bytes.Buffer
		results := func() (all []map[string]any) {
			dec := json.NewDecoder(&out)
			for {
				var m map[string]any
				if err := dec.Decode(&m); errors.Is(err, io.EOF) {
					return all
				} else if err != nil {
					t.Fatal(err)
				}
				for i, name := range []string{slog.TimeKey, slog.LevelKey, slog.MessageKey} {
					if v, ok := m[keys[i]]; ok {
						delete(m, keys[i])
						m[name] = v
					}
				}
				all = append(all, m)
			}
		}
		if err := slogtest.TestHandler(NewHandler(&out, format, slog.LevelInfo), results); err != nil {
			t.Error(err)
		}
	}
}

func at(level slog.Level, msg string, attrs ...any) slog.Record {
	r := slog.NewRecord(time.Date(2026, 3, 1, 12, 0, 0, 5e6, time.UTC), level, msg, 0)
	r.Add(attrs...)
	return r
}

type silly struct{}

func (silly) MarshalJSON() ([]byte, error) { panic("ha") }

func TestLines(t *testing.T) {
	f := func(format Format, r slog.Record, with func(slog.Handler) slog.Handler, want string) {
		t.Helper()
		var out bytes.Buffer
		h := NewHandler(&out, format, slog.LevelDebug)
		if with != nil {
			h = with(h)
		}
		if err := h.Handle(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if got := out.String(); got != want+"\n" {
			t.Errorf("%s want\n%s", got, want)
		}
		if format <= Stackdriver && !json.Valid(out.Bytes()) {
			t.Errorf("no JSON: %s", out.Bytes())
		}
	}
	const head = `"ts":"2026-03-01T12:00:00.005Z","msg":`
	f(JSON, at(slog.LevelInfo, "Startup done"), nil, `{"level":"info",`+head+`"Startup done"}`)
	f(JSON, at(slog.LevelWarn, "a\"b\\\n\x1b\xff\u0085é", "k\t", 1), nil, `{"level":"warn",`+head+`"a\"b\\\n\u001b\ufffd\u0085é","k\t":1}`)
	f(JSON, at(LevelFatal, "x", "d", 1500*time.Millisecond, "e", errors.New("no"), "t", time.Unix(1, 5).UTC(), "f", math.Inf(1), "a", netip.MustParseAddr("::1"), "n", nil),
		nil, `{"level":"fatal",`+head+`"x","d":"1.5s","e":"no","t":"1970-01-01T00:00:01.000000005Z","f":"+Inf","a":"::1","n":null}`)
	f(JSON, at(slog.LevelDebug, "x", "v", silly{}, "u", uint64(math.MaxUint64), "b", true, "l", []int{1}), nil,
		`{"level":"debug",`+head+`"x","v":"!PANIC: ha","u":18446744073709551615,"b":true,"l":[1]}`)
	f(JSON, at(slog.LevelInfo, "x", "c", 3), func(h slog.Handler) slog.Handler {
		return h.WithAttrs([]slog.Attr{slog.Int("a", 1)}).WithGroup("g").WithAttrs([]slog.Attr{slog.Int("b", 2)}).WithGroup("h")
	}, `{"level":"info",`+head+`"x","a":1,"g":{"b":2,"h":{"c":3}}}`)
	f(JSON, at(slog.LevelInfo, "x"), func(h slog.Handler) slog.Handler { return h.WithGroup("g").WithGroup("h") }, `{"level":"info",`+head+`"x"}`)
	f(Stackdriver, at(slog.LevelError, "x"), nil, `{"severity":"ERROR","time":"2026-03-01T12:00:00.005Z","message":"x"}`)
	f(Stackdriver, at(slog.LevelWarn, "x"), nil, `{"severity":"WARNING","time":"2026-03-01T12:00:00.005Z","message":"x"}`)
	f(Stackdriver, at(LevelFatal, "x"), nil, `{"severity":"CRITICAL","time":"2026-03-01T12:00:00.005Z","message":"x"}`)

	clock := time.Date(2026, 3, 1, 12, 0, 0, 5e6, time.UTC).Local().Format("15:04:05.000")
	f(Text, at(slog.LevelInfo, "Startup done"), nil, clock+" INFO  Startup done")
	f(Text, at(slog.LevelWarn, "a\nb\x1b[2J", "k", "v w", "e", "", "g", slog.GroupValue(slog.Int("x", 1)), "p", "::1"), nil,
		clock+` WARN  a\nb\x1b[2J`+strings.Repeat(" ", 33)+` k="v w" e="" g.x=1 p=::1`)
	f(Text, at(slog.LevelInfo, "m", "c", 3), func(h slog.Handler) slog.Handler {
		return h.WithGroup("g").WithAttrs([]slog.Attr{slog.Int("b", 2)})
	}, clock+" INFO  m"+strings.Repeat(" ", 39)+" g.b=2 g.c=3")
	f(TextColor, at(slog.LevelError, "x"), nil, dim+clock+reset+" \x1b[31mERROR"+reset+" x")
}

func TestCaller(t *testing.T) {
	var out bytes.Buffer
	slog.New(NewHandler(&out, JSON, slog.LevelInfo)).Info("x")
	if !regexp.MustCompile(`"caller":"log/log_test\.go:\d+","msg":"x"`).Match(out.Bytes()) {
		t.Error(out.String())
	}
}

// TestOpen writes to output and file, each in its form, at its level.
func TestOpen(t *testing.T) {
	dir := t.TempDir()
	stdout, err := os.Create(filepath.Join(dir, "stdout"))
	if err != nil {
		t.Fatal(err)
	}
	defer stdout.Close()
	f := func(c Config, wantOut, wantFile string) {
		t.Helper()
		c.File = filepath.Join(t.TempDir(), "file")
		if c.Rotation {
			c.File = filepath.Join(t.TempDir(), "new", "file")
		}
		if err := stdout.Truncate(0); err != nil {
			t.Fatal(err)
		}
		if _, err := stdout.Seek(0, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		log, closer, err := Open(c)
		if err != nil {
			t.Fatal(err)
		}
		log.Debug("low")
		log.Warn("high", "k", 1)
		if err := closer.Close(); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{stdout.Name(): wantOut, c.File: wantFile} {
			if text, err := os.ReadFile(name); err != nil || !regexp.MustCompile(`^`+want+`$`).Match(text) {
				t.Errorf("%s has %q %v, want %s", filepath.Base(name), text, err, want)
			}
		}
	}
	const json, text = `{"level":"warn",.*"msg":"high","k":1}\n`, `\S+ WARN  high +k=1\n`
	f(Config{Level: "INFO", Format: "auto", Stdout: stdout}, json, json)
	f(Config{Level: "warn", Format: "text", Stdout: stdout}, text, text)
	f(Config{Level: "warn", Format: "stackdriver"}, ``, `{"severity":"WARNING",.*}\n`)
	f(Config{Level: "debug", Stdout: stdout, Rotation: true, MaxSizeMB: 1}, `{"level":"debug",.*\n`+json, `{"level":"debug",.*\n`+json)
}

func TestOpenRefuses(t *testing.T) {
	f := func(c Config, want string) {
		t.Helper()
		if _, _, err := Open(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	f(Config{Level: "loud"}, "Logger level invalid, must be one of: DEBUG, INFO, WARN, or ERROR")
	f(Config{Format: "xml"}, "none of")
	f(Config{Rotation: true}, "has none")
	f(Config{File: "/nothing/there/log"}, "open the log's file")
}

// TestRotation starts another file when one is full, and keeps as many as it should.
func TestRotation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	log, closer, err := Open(Config{File: path, Rotation: true, MaxSizeMB: 1})
	if err != nil {
		t.Fatal(err)
	}
	line := strings.Repeat("x", 1000)
	for range 1500 {
		log.Info(line)
	}
	if err := closer.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "log*"))
	if err != nil || len(files) != 2 {
		t.Error(files, err)
	}
}

// FuzzString holds the JSON of any string against the standard library's reading of it.
func FuzzString(f *testing.F) {
	f.Add("a\"\\\n\x7f\x1b\xff\u0085é\u2028😀")
	f.Fuzz(func(t *testing.T, s string) {
		var e encoder
		e.str(nil, s)
		var back string
		if err := json.Unmarshal(e.b, &back); err != nil || back != string([]rune(s)) {
			t.Fatalf("%q is %s: %q %v", s, e.b, back, err)
		}
		if bytes.ContainsAny(e.b, "\x00\n\r\x1b") {
			t.Fatalf("%q is not one line: %s", s, e.b)
		}
	})
}

func BenchmarkHandle(b *testing.B) {
	log := slog.New(NewHandler(io.Discard, JSON, slog.LevelInfo)).With("node", "nakama")
	b.ReportAllocs()
	for b.Loop() {
		log.Info("request", "uid", "00000000-0000-0000-0000-000000000000", "status", 200, "took", time.Millisecond)
	}
}
