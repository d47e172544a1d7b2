package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestMain lets the test binary be its own children, as cmd/skirmish is in a real bench.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == ChildCommand {
		if err := Child(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func TestMedian(t *testing.T) {
	f := func(want float64, v ...float64) {
		t.Helper()
		if got := median(v); got != want {
			t.Errorf("median(%v) = %v, want %v", v, got, want)
		}
	}
	f(0)
	f(3, 3)
	f(2, 3, 1)
	f(2.5, 4, 1, 3, 2)
	r := measured("x", "µs", []float64{3, 1, 2}).against("y", []float64{4}).aimed("≤ 1", true)
	if r.Median != 2 || r.Min != 1 || r.Max != 3 || r.Runs != 3 || r.Ratio != 0.5 || r.holds != "yes" {
		t.Errorf("%+v", r)
	}
}

// The file has exactly the fields that readers rely on, also for a row that was not measured.
func TestResultFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "results", "latest.json")
	in := []Result{measured("a", "µs", []float64{1, 2}).aimed("≤ 3", true), unmeasured("b", "ms", errors.New("no tun\nmore"))}
	if err := writeResults(path, in); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]any
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	for _, r := range out {
		for _, key := range strings.Fields("name unit median min max runs reference reference_median ratio command") {
			if _, ok := r[key]; !ok {
				t.Errorf("%v has no %q", r["name"], key)
			}
		}
		if len(r) != 10 {
			t.Errorf("%v has %d fields, want 10", r["name"], len(r))
		}
	}
	if out[1]["reference"] != "not measured: no tun" {
		t.Errorf("reason = %v", out[1]["reference"])
	}
}

func TestUnknownNames(t *testing.T) {
	if err := Run(t.Context(), []string{"nonsense"}, Options{}, io.Discard); !errors.Is(err, ErrUnknownRow) {
		t.Errorf("Run of an unknown row: %v", err)
	}
	if err := Child([]string{"nonsense"}); !errors.Is(err, ErrUnknownRole) {
		t.Errorf("Child of an unknown role: %v", err)
	}
}

// Goal: every row runs from one end to the other. Method: each once, for a moment, with as few clients as make sense;
// the figures mean nothing, but a row that cannot be measured, or yields nothing, is a failure.
func TestEveryRowRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("half a minute of child processes")
	}
	binary := filepath.Join(t.TempDir(), "skirmish") // this program is no server
	if out, err := exec.Command("go", "build", "-o", binary, "../cmd/skirmish").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	mayBeZero := []string{"invoke_allocs", "ws_idle_goroutines", "ws_match_players_per_core_30hz"}
	for _, row := range Rows() {
		t.Run(row.Name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "latest.json")
			if err := Run(t.Context(), []string{row.Name}, Options{Quick: true, Out: out, Binary: binary}, t.Output()); err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			var results []Result
			if err := json.Unmarshal(b, &results); err != nil {
				t.Fatal(err)
			}
			if len(results) == 0 {
				t.Error("no results")
			}
			for _, r := range results {
				if r.Runs == 0 || r.Median < 0 || r.Median == 0 && !slices.Contains(mayBeZero, r.Name) || r.Command != "skirmish bench "+row.Name {
					t.Errorf("%+v", r)
				}
			}
		})
	}
}
