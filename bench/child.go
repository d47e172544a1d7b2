package bench

import (
	"errors"
	"fmt"
	"os"
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
//	[--cpuprofile=FILE] ROLE [flags of the role]
//
// It says one JSON line when ready, answers lines of standard input and returns when that closes.
func Child(args []string) error {
	if len(args) > 0 {
		if path, ok := strings.CutPrefix(args[0], "--cpuprofile="); ok {
			stop, err := profile(path)
			if err != nil {
				return err
			}
			defer stop()
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
	con := proc.NewConsole(os.Stdin, out)
	if err := role(con, args[1:]); err != nil {
		con.Refuse(err)
		return err
	}
	return nil
}

func profile(path string) (stop func(), err error) {
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
