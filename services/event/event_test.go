package event

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heroiclabs/nakama-common/api"

	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
)

func TestEventsReachTheFunctionsOfTheirKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var saw []string
		note := func(name string) Func {
			return func(_ context.Context, c op.Caller, e *Message) {
				saw = append(saw, fmt.Sprintf("%s %s %s %v %v", name, c.Username, e.Name, e.External, e.Properties))
			}
		}
		functions := map[Kind][]Func{Custom: {note("a"), note("b")}, SessionEnd: {note("end")}}
		s := New(Config{QueueMax: 4, Workers: 1, Functions: func(k Kind) []Func { return functions[k] }})
		ada := op.Caller{UserID: id.UUID{1}, Username: "ada"}
		if _, err := s.event(t.Context(), ada, &api.Event{Name: "shot", Properties: map[string]string{"k": "v"}}); err != nil {
			t.Fatal(err)
		}
		s.Publish(Custom, op.Caller{}, &Message{Name: "own"})
		s.Started(ada, time.Now())
		s.Ended(ada, time.Now())
		s.Stop(t.Context())
		want := []string{
			"a ada shot true map[k:v]", "b ada shot true map[k:v]", "a  own false map[]", "b  own false map[]", "end ada session_end true map[reason:4]",
		}
		if got := strings.Join(saw, "\n"); got != strings.Join(want, "\n") {
			t.Errorf("functions saw\n%s", got)
		}
		s.Publish(Custom, ada, &Message{}) // after the end: dropped
		s.Stop(t.Context())
	})
}

func TestFullQueueDropsAndSaysSoOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		dropped := 0
		release := make(chan struct{})
		s := New(Config{
			QueueMax: 2, Workers: 1, Dropped: func() { dropped++ }, Log: slog.New(slog.NewTextHandler(&log, nil)),
			Functions: func(Kind) []Func { return []Func{func(context.Context, op.Caller, *Message) { <-release }} },
		})
		s.Publish(Custom, op.Caller{}, &Message{})
		synctest.Wait() // a worker has it
		for range 5 {
			s.Publish(Custom, op.Caller{}, &Message{})
		}
		if n := strings.Count(log.String(), "Runtime event queue full, events may be lost"); dropped != 3 || n != 1 {
			t.Errorf("%d dropped, told %d times:\n%s", dropped, n, log.String())
		}
		close(release)
		s.Stop(t.Context())
	})
}

// TestStopDoesNotWaitForEver has a function that only its context ends.
func TestStopDoesNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := false
		s := New(Config{QueueMax: 1, Workers: 1, Functions: func(Kind) []Func {
			return []Func{func(ctx context.Context, _ op.Caller, _ *Message) { <-ctx.Done(); ended = true }}
		}})
		s.Publish(Custom, op.Caller{}, &Message{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		s.Stop(ctx)
		synctest.Wait()
		if !ended {
			t.Error("the function's context goes on")
		}
	})
}
