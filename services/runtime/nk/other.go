package nk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"

	"github.com/skirmishgg/skirmish/services/cron"
	"github.com/skirmishgg/skirmish/services/event"
)

// Event gives an event to those modules that take them.
func (m *Module) Event(ctx context.Context, e *api.Event) error {
	if e == nil {
		return errors.New("expects a non-nil event")
	}
	m.c.Event.Publish(event.Custom, callerOf(ctx), e)
	return nil
}

// MetricsCounterAdd and the others keep a module's own metrics.

func (m *Module) MetricsCounterAdd(name string, tags map[string]string, delta int64) {
	m.c.Metrics.CustomAdd(name, tags, delta)
}

func (m *Module) MetricsGaugeSet(name string, tags map[string]string, value float64) {
	m.c.Metrics.CustomSet(name, tags, value)
}

func (m *Module) MetricsTimerRecord(name string, tags map[string]string, value time.Duration) {
	m.c.Metrics.CustomRecord(name, tags, value)
}

// CronNext is the first instant of a schedule after a time, CronPrev the last before it; both in Unix seconds, UTC.

func (m *Module) CronNext(expression string, timestamp int64) (int64, error) {
	return instant(expression, timestamp, (*cron.Schedule).Next)
}

func (m *Module) CronPrev(expression string, timestamp int64) (int64, error) {
	return instant(expression, timestamp, (*cron.Schedule).Last)
}

func instant(expression string, timestamp int64, find func(*cron.Schedule, time.Time) time.Time) (int64, error) {
	s, err := cron.Parse(expression)
	if err != nil {
		return 0, fmt.Errorf("expects a valid cron string: %w", err)
	}
	t := find(s, time.Unix(timestamp, 0).UTC())
	if t.IsZero() {
		return 0, nil
	}
	return t.Unix(), nil
}

// ReadFile opens a file beside the modules.
func (m *Module) ReadFile(path string) (*os.File, error) {
	return os.Open(filepath.Join(m.c.Root, path))
}

// GetFleetManager is nil when no module registered one.
func (m *Module) GetFleetManager() runtime.FleetManager {
	if m.c.Fleet == nil {
		return nil
	}
	return m.c.Fleet()
}
