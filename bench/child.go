package bench

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"

	"github.com/skirmishgg/skirmish/bench/proc"
)

// ChildCommand is the first argument by which the binary knows that it was started by Run.
const ChildCommand = "bench-child"

// ErrUnknownRole is returned by Child for a role that this platform's build does not have.
var ErrUnknownRole = errors.New("no such bench role on this platform")

// Child is the life of a process that Run started; args are those after ChildCommand:
//
//	[--profile=FILE] ROLE [flags of the role]
//
// With a profile the CPU goes to FILE.cpu, and what is on the heap at the end to FILE.heap.
//
// It says one JSON line when ready, answers lines of standard input and returns when that closes.
func Child(args []string) error {
	var atEnd func()
	if len(args) > 0 {
		if path, ok := strings.CutPrefix(args[0], "--profile="); ok {
			stop, err := profileCPU(path + ".cpu")
			if err != nil {
				return err
			}
			defer stop()
			atEnd = func() { profileHeap(path + ".heap") }
			args = args[1:]
		}
	}
	if len(args) == 0 {
		return ErrUnknownRole
	}
	role, ok := roles[args[0]]
	if !ok {
		return fmt.Errorf("%w: %q", ErrUnknownRole, args[0])
	}
	out, err := takeStdout()
	if err != nil {
		return err
	}
	con := proc.NewConsole(os.Stdin, out, atEnd)
	if err := role(con, args[1:]); err != nil {
		con.Refuse(err)
		return err
	}
	return nil
}

func profileCPU(path string) (stop func(), err error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		f.Close()
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		f.Close()
	}, nil
}

// profileHeap is a help, not a result: what goes wrong with it is not said.
func profileHeap(path string) {
	f, err := os.Create(path)
	if err != nil {
		return
	}
	defer f.Close()
	runtime.GC() // the heap profile is that of the last collection
	_ = pprof.Lookup("heap").WriteTo(f, 0)
}
