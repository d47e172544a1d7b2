package runtime

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"runtime"
	"strconv"

	nakama "github.com/heroiclabs/nakama-common/runtime"
)

// NewLogger is a log as modules see it: printf words, fields, and for warnings and errors the place in the module.
func NewLogger(log *slog.Logger) nakama.Logger { return &logger{log: log} }

type logger struct {
	log    *slog.Logger // with fields
	fields map[string]any
}

// Debug and the rest are nakama's Logger.
func (l *logger) Debug(format string, v ...any) { l.print(slog.LevelDebug, format, v) }
func (l *logger) Info(format string, v ...any)  { l.print(slog.LevelInfo, format, v) }
func (l *logger) Warn(format string, v ...any)  { l.print(slog.LevelWarn, format, v) }
func (l *logger) Error(format string, v ...any) { l.print(slog.LevelError, format, v) }

func (l *logger) print(level slog.Level, format string, v []any) {
	ctx := context.Background()
	if !l.log.Enabled(ctx, level) {
		return
	}
	message := format
	if len(v) > 0 {
		message = fmt.Sprintf(format, v...)
	}
	if level < slog.LevelWarn {
		l.log.Log(ctx, level, message)
		return
	}
	_, file, line, _ := runtime.Caller(2) // of the module's call
	l.log.Log(ctx, level, message, "source", filepath.Base(file)+":"+strconv.Itoa(line))
}

func (l *logger) WithField(key string, v any) nakama.Logger {
	return l.WithFields(map[string]any{key: v})
}

func (l *logger) WithFields(fields map[string]any) nakama.Logger {
	all := maps.Clone(l.fields)
	if all == nil {
		all = make(map[string]any, len(fields))
	}
	log := l.log
	for key, v := range fields {
		all[key] = v
		log = log.With(key, v)
	}
	return &logger{log: log, fields: all}
}

func (l *logger) Fields() map[string]any {
	if l.fields == nil {
		return map[string]any{}
	}
	return maps.Clone(l.fields)
}
