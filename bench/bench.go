package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/skirmishgg/skirmish/bench/proc"
)

// DefaultOut is where a whole bench writes its results, from the repository's root.
const DefaultOut = "bench/results/latest.json"

// runsMin is the least number of repetitions a printed median rests on.
const runsMin = 5

// Options of Run; the zero value measures as `make bench` does.
type Options struct {
	Out        string        // where to write JSON; "": DefaultOut for a whole bench, nothing for named rows
	Runs       int           // repetitions; 0 means 5
	Window     time.Duration // of one measurement; 0 means 2 s
	CPUProfile string        // folder for CPU and heap profiles of the Go children; "" means none. Profiling costs a few percent
	Quick      bool          // one short run each, for tests: the figures mean nothing
	Binary     string        // the program that start_ms starts; "": the one that runs
}

// Row is one question that the bench can answer.
type Row struct {
	Name string // as in latest.json; variants add a suffix
	Doc  string // what is measured, in one line
	Aim  string // what the figure should be
	run  func(e *env) error
}

// ErrUnknownRow is returned by Run for a name that Rows does not have.
var ErrUnknownRow = errors.New("no such row")

// Run measures the named rows, or all when names is empty, in the order of Rows. It prints progress and then the table
// to w. A row that cannot be measured here says why in the table and does not stop the others.
// Errors: ErrUnknownRow; ctx's; the result file cannot be written.
func Run(ctx context.Context, names []string, o Options, w io.Writer) error {
	rows, err := pick(names)
	if err != nil {
		return err
	}
	if o.Out == "" && len(names) == 0 {
		o.Out = DefaultOut
	}
	e, err := newEnv(ctx, o, w)
	if err != nil {
		return err
	}
	defer e.close()
	e.printf("%s\n", e.box())
	start := time.Now()
	for i, row := range rows {
		e.row = row
		e.printf("[%d/%d] %s: %s (aim %s)\n", i+1, len(rows), row.Name, row.Doc, row.Aim)
		began, had := time.Now(), len(e.results)
		if err := row.run(e); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			e.printf("  not measured: %v\n", err)
			if len(e.results) == had {
				e.add(unmeasured(row.Name, "", err))
			}
		}
		e.printf("  %.0f s\n", time.Since(began).Seconds())
	}
	e.printf("\n")
	printTable(w, e.results)
	e.printf("\n%d rows in %.0f s\n", len(rows), time.Since(start).Seconds())
	if o.Out == "" {
		return nil
	}
	if err := writeResults(o.Out, e.results); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	e.printf("written to %s\n", o.Out)
	return nil
}

func pick(names []string) ([]Row, error) {
	all := Rows()
	if len(names) == 0 {
		return all, nil
	}
	var rows []Row
	for _, name := range names {
		i := slices.IndexFunc(all, func(r Row) bool { return r.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("%w: %q (skirmish bench --list names them)", ErrUnknownRow, name)
		}
		rows = append(rows, all[i])
	}
	return rows, nil
}

// env is what a row measures with. It belongs to the goroutine that runs Run.
type env struct {
	ctx        context.Context
	o          Options
	w          io.Writer
	self       string // the binary to start children from
	dir        string // scratch: the compiled ENet server
	serverCore int
	loadCore   int
	row        Row
	results    []Result
	profiles   int
}

func newEnv(ctx context.Context, o Options, w io.Writer) (*env, error) {
	self, err := proc.Self()
	if err != nil {
		return nil, err
	}
	if o.CPUProfile != "" {
		if err := os.MkdirAll(o.CPUProfile, 0o755); err != nil {
			return nil, err
		}
	}
	if o.Binary == "" {
		o.Binary = self
	}
	if o.Runs == 0 {
		o.Runs = runsMin
	}
	if o.Window == 0 {
		o.Window = 2 * time.Second
	}
	if o.Quick {
		o.Runs, o.Window = 1, 300*time.Millisecond
	}
	// The server gets the last core: interrupts and everything else of the box tend to live on the first.
	cores := proc.Cores()
	dir, err := os.MkdirTemp("", "skirmish-bench")
	if err != nil {
		return nil, err
	}
	e := &env{ctx: ctx, o: o, w: w, self: self, dir: dir, serverCore: -1, loadCore: -1}
	if len(cores) >= 2 {
		e.loadCore, e.serverCore = cores[0], cores[len(cores)-1]
	}
	return e, nil
}

func (e *env) close() { os.RemoveAll(e.dir) }

func (e *env) printf(format string, args ...any) { fmt.Fprintf(e.w, format, args...) }

// add keeps a result and prints it as progress.
func (e *env) add(r Result) {
	r.Command = "skirmish bench " + e.row.Name
	e.results = append(e.results, r)
	if r.Runs > 0 {
		e.printf("  %s: %s %s (%s … %s)", r.Name, figure(r.Median), r.Unit, figure(r.Min), figure(r.Max))
		if r.ReferenceMedian != 0 {
			e.printf(", %s: %s", r.Reference, figure(r.ReferenceMedian))
		}
		e.printf("\n")
	}
}

// server starts a child role on the server's core.
func (e *env) server(hello any, role string, args ...string) (*proc.Proc, error) {
	return proc.Start(e.ctx, e.serverCore, hello, e.self, e.childArgs(role, args)...)
}

// load starts a child role on the generator's core.
func (e *env) load(hello any, role string, args ...string) (*proc.Proc, error) {
	return proc.Start(e.ctx, e.loadCore, hello, e.self, e.childArgs(role, args)...)
}

func (e *env) childArgs(role string, args []string) []string {
	line := []string{ChildCommand}
	if e.o.CPUProfile != "" {
		e.profiles++
		name := fmt.Sprintf("%s-%s-%d", e.row.Name, role, e.profiles)
		line = append(line, "--profile="+filepath.Join(e.o.CPUProfile, name))
	}
	return append(append(line, role), args...)
}

// box is the line that says where this was measured.
func (e *env) box() string {
	where := fmt.Sprintf("server on core %d, generator on core %d", e.serverCore, e.loadCore)
	if e.serverCore < 0 {
		where = "NOT PINNED: fewer than two cores, server and generator disturb each other"
	}
	return strings.Join([]string{platform(), where, fmt.Sprintf("%d runs of %v", e.o.Runs, e.o.Window)}, " · ")
}
