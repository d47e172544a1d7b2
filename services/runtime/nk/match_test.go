package nk

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"

	"github.com/skirmishgg/skirmish/services/match"
	"github.com/skirmishgg/skirmish/services/party"
)

// echo answers signals with what it was made with.
type echo struct {
	match.Handler
	params map[string]any
}

func (e *echo) Init(_ context.Context, params map[string]any) (int, string, error) {
	e.params = params
	return 1, `{"mode": "echo"}`, nil
}

func (e *echo) Loop(context.Context, match.Dispatcher, int64, []*match.Message) (bool, error) {
	return true, nil
}

func (e *echo) Signal(_ context.Context, _ match.Dispatcher, _ int64, data string) (string, bool, error) {
	return fmt.Sprint(data, e.params), true, nil
}

func handlers(name string) (func() match.Handler, bool) {
	return func() match.Handler { return &echo{} }, name == "echo"
}

func TestMatches(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		ctx := t.Context()
		name, err := d.MatchCreate(ctx, "echo", map[string]any{"n": 1})
		must(t, err)
		m, err := d.MatchGet(ctx, name)
		is(t, `true {"mode": "echo"} echo 1`, err, m.Authoritative, " ", m.Label.Value, " ", m.HandlerName, " ", m.TickRate)
		answer, err := d.MatchSignal(ctx, name, "hi ")
		is(t, "hi map[n:1]", err, answer)
		list, err := d.MatchList(ctx, 10, true, "", nil, nil, "+label.mode:echo")
		is(t, "1", err, len(list))
		list, err = d.MatchList(ctx, 10, false, "", nil, nil, "")
		is(t, "0", err, len(list))
		one := 1
		list, err = d.MatchListAny(10, nil, nil, &one, nil, nil)
		is(t, "0", err, len(list))
		list, err = d.MatchListAny(10, nil, nil, nil, nil, nil)
		is(t, "1", err, len(list))

		_, err = d.MatchCreate(ctx, "none", nil)
		refused(t, "error creating match: not found", err)
		m, err = d.MatchGet(ctx, nobody+".n1")
		is(t, "true", err, m == nil)
		_, err = d.MatchGet(ctx, "x")
		is(t, "true", nil, err == runtime.ErrMatchIdInvalid)
		_, err = d.MatchSignal(ctx, nobody+".n1", "")
		is(t, "true", nil, err == runtime.ErrMatchNotFound)
	})
}

func TestParties(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		a, b := d.open(annaID, "anna"), d.open(benID, "ben")
		_, err := d.c.Party.Create(a, party.Options{Open: true, MaxSize: 4, Label: `{"n": 1}`})
		must(t, err)
		_, err = d.c.Party.Create(b, party.Options{MaxSize: 4, Hidden: true})
		must(t, err)
		list, next, err := d.PartyList(t.Context(), 10, nil, false, "", "")
		is(t, `1 true {"n": 1} `, err, len(list), " ", list[0].Open, " ", list[0].Label, " ", next)
		list, next, err = d.PartyList(t.Context(), 1, nil, true, "", "")
		is(t, "1 true", err, len(list), " ", next != "")
		list, _, err = d.PartyList(t.Context(), 1, nil, true, "", next)
		is(t, "1 false", err, len(list), " ", list[0].Open)
		shut := false
		list, _, err = d.PartyList(t.Context(), 10, &shut, false, "", "")
		is(t, "0", err, len(list))
	})
}

func TestOther(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		//lint:ignore SA1029 modules know their context by these keys
		ctx := context.WithValue(t.Context(), runtime.RUNTIME_CTX_USER_ID, anna)
		must(t, d.Event(ctx, &api.Event{Name: "e"}))
		is(t, "e", nil, (<-d.events).Name)
		refused(t, "expects a non-nil event", d.Event(t.Context(), nil))

		at := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC).Unix()
		next, err := d.CronNext("0 0 * * *", at)
		is(t, "43200", err, next-at)
		prev, err := d.CronPrev("0 0 * * *", at)
		is(t, "-43200", err, prev-at)
		if _, err := d.CronNext("x", at); err == nil {
			t.Error("no schedule is one")
		}

		must(t, os.WriteFile(filepath.Join(d.c.Root, "f.txt"), []byte("text"), 0o600))
		f, err := d.ReadFile("f.txt")
		must(t, err)
		defer f.Close()
		text, err := io.ReadAll(f)
		is(t, "text", err, string(text))

		d.MetricsCounterAdd("c", nil, 1)
		d.MetricsGaugeSet("g", map[string]string{"a": "b"}, 1)
		d.MetricsTimerRecord("t", nil, time.Second)
		is(t, "true", nil, d.GetFleetManager() == nil)
		_, err = d.GetSatori().FlagsList(t.Context(), "", nil, nil)
		is(t, "true", nil, err == runtime.ErrSatoriConfigurationInvalid)
		_, err = d.PurchaseValidateApple(t.Context(), anna, "r", true)
		refused(t, "Apple IAP is not configured.", err)
	})
}
