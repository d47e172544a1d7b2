package log

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"gopkg.in/natefinch/lumberjack.v2"
)

// Format is how lines look.
type Format uint8

// The formats.
const (
	JSON Format = iota
	Stackdriver
	Text      // for people
	TextColor // for people whose terminal knows colours
)

// LevelFatal is for what ends the process.
const LevelFatal = slog.LevelError + 4

// Config says what is logged, and where to.
type Config struct {
	Level  string // debug, info, warn, error, in any case
	Format string // auto, json, stackdriver, text; "" is json
	Stdout *os.File

	File       string // "": none
	Rotation   bool   // start another file at MaxSizeMB; makes the file's folder
	MaxSizeMB  int
	MaxAgeDays int // 0: old files are kept
	MaxBackups int // 0: all of them
	LocalTime  bool
	Compress   bool
}

// Open makes the logger. Close the log when nobody logs any more.
// Errors: a level or format that is none, a file that cannot be opened.
func Open(c Config) (*slog.Logger, io.Closer, error) {
	level, err := ParseLevel(c.Level)
	if err != nil {
		return nil, nil, err
	}
	format, err := c.format()
	if err != nil {
		return nil, nil, err
	}
	var handlers []slog.Handler
	if c.Stdout != nil {
		handlers = append(handlers, NewHandler(c.Stdout, format, level))
	}
	file, err := c.file()
	if err != nil {
		return nil, nil, err
	}
	if c.File != "" {
		if format == Text || format == TextColor {
			if format = JSON; strings.EqualFold(c.Format, "text") {
				format = Text
			}
		}
		handlers = append(handlers, NewHandler(file, format, level))
	}
	switch len(handlers) {
	case 0:
		return slog.New(slog.DiscardHandler), file, nil
	case 1:
		return slog.New(handlers[0]), file, nil
	}
	return slog.New(slog.NewMultiHandler(handlers...)), file, nil
}

// ParseLevel reads a level's name, in any case.
func ParseLevel(name string) (slog.Level, error) {
	switch strings.ToLower(name) {
	case "debug":
		return slog.LevelDebug, nil
	case "info", "":
		return slog.LevelInfo, nil
	case "warn":
		return slog.LevelWarn, nil
	case "error":
		return slog.LevelError, nil
	}
	//lint:ignore ST1005 Nakama's words
	return 0, errors.New("Logger level invalid, must be one of: DEBUG, INFO, WARN, or ERROR")
}

func (c Config) format() (Format, error) {
	people := Text
	if color(c.Stdout) {
		people = TextColor
	}
	switch strings.ToLower(c.Format) {
	case "json", "":
		return JSON, nil
	case "stackdriver":
		return Stackdriver, nil
	case "text":
		return people, nil
	case "auto":
		if Terminal(c.Stdout) {
			return people, nil
		}
		return JSON, nil
	}
	return 0, fmt.Errorf("the log's format %q is none of auto, json, stackdriver, text", c.Format)
}

// Terminal says whether people watch f.
func Terminal(f *os.File) bool {
	if f == nil {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && f.Name() != os.DevNull
}

func color(f *os.File) bool {
	_, no := os.LookupEnv("NO_COLOR")
	term := os.Getenv("TERM")
	return Terminal(f) && !no && term != "dumb" && (term != "" || runtime.GOOS == "windows" && os.Getenv("WT_SESSION") != "")
}

// file opens the log's file; without one it is a closer that does nothing.
func (c Config) file() (io.WriteCloser, error) {
	switch {
	case c.File == "" && c.Rotation:
		return nil, errors.New("the log rotates files, and has none")
	case c.File == "":
		return nopFile{io.Discard}, nil
	case c.Rotation:
		if err := os.MkdirAll(filepath.Dir(c.File), 0o755); err != nil {
			return nil, fmt.Errorf("make the log's folder: %w", err)
		}
		return &lumberjack.Logger{
			Filename: c.File, MaxSize: c.MaxSizeMB, MaxAge: c.MaxAgeDays, MaxBackups: c.MaxBackups, LocalTime: c.LocalTime, Compress: c.Compress,
		}, nil
	}
	f, err := os.OpenFile(c.File, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the log's file: %w", err)
	}
	return f, nil
}

type nopFile struct{ io.Writer }

func (nopFile) Close() error { return nil }
