package lua

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/parse"

	"github.com/skirmishgg/skirmish/services/runtime"
	"github.com/skirmishgg/skirmish/services/runtime/bind"
)

// program is what one load compiled. Constant but for the pool.
type program struct {
	host    *runtime.Host
	modules []module // by name
	cache   *bind.Cache
	limits  limits
	ranOnce bool // an earlier load in this process has run the run_once functions

	shared *machine      // the one that all calls run on; nil: they are in pool
	pool   chan *machine // free ones
	made   atomic.Int32
}

// limits of one call and one interpreter.
type limits struct {
	instructions int64 // negative: none
	callStack    int
	registry     int
	machines     int
}

// module is a file.
type module struct {
	name string // with dots: a/b.lua is a.b
	file string
	code *lua.FunctionProto
}

// compile reads the files without running them.
func compile(files []runtime.File) ([]module, error) {
	var list []module
	for _, f := range files {
		text, err := f.Read()
		if err != nil {
			return nil, err
		}
		chunk, err := parse.Parse(bytes.NewReader(text), f.Name)
		if err != nil {
			return nil, syntaxError(f.Name, err)
		}
		code, err := lua.Compile(chunk, f.Name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		name := strings.ReplaceAll(strings.TrimSuffix(f.Name, path.Ext(f.Name)), "/", ".")
		list = append(list, module{name, f.Name, code})
	}
	slices.SortFunc(list, func(a, b module) int { return strings.Compare(a.name, b.name) })
	return list, nil
}

// syntaxError is the parser's in one line: file, line, and what it met.
func syntaxError(file string, err error) error {
	text := strings.Join(strings.Fields(err.Error()), " ")
	return fmt.Errorf("%s: %s", file, strings.TrimPrefix(text, file+" "))
}

// with runs f on a machine that nobody else uses meanwhile, or on the shared one.
func (p *program) with(ctx context.Context, f func(*machine) error) error {
	if p.shared != nil {
		return f(p.shared)
	}
	m, err := p.get(ctx)
	if err != nil {
		return err
	}
	defer func() { p.pool <- m }()
	return f(m)
}

// get takes a free machine, makes another, or waits for one.
func (p *program) get(ctx context.Context) (*machine, error) {
	select {
	case m := <-p.pool:
		return m, nil
	default:
	}
	if p.made.Add(1) <= int32(p.limits.machines) {
		m, err := p.newMachine(ctx, nil, nil)
		if err != nil {
			p.made.Add(-1)
		}
		return m, err
	}
	p.made.Add(-1)
	select {
	case m := <-p.pool:
		return m, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// searchPath is what package.path says; files are found among those that were loaded.
func (p *program) searchPath() string {
	root := filepath.ToSlash(p.host.Root)
	return root + "/?.lua;" + root + "/?/init.lua"
}
