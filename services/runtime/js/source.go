package js

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/dop251/goja"
	"github.com/dop251/goja/parser"
	"github.com/evanw/esbuild/pkg/api"

	"github.com/skirmishgg/skirmish/services/runtime"
)

// entries are the names of an entry point that nobody configured; the first there is.
var entries = []string{"index.ts", "index.js", "main.ts", "main.js"}

// entryOf is the entry point among the files; ok is false when there is none, and so no module.
func entryOf(entry string, files []runtime.File) (f runtime.File, ok bool, err error) {
	if entry != "" {
		entry = path.Clean(filepath.ToSlash(entry))
		i := slices.IndexFunc(files, func(f runtime.File) bool { return f.Name == entry })
		if i < 0 {
			return f, false, fmt.Errorf("the entry point %s (runtime.js_entrypoint) is not there, or is neither .js nor .ts", entry)
		}
		return files[i], true, nil
	}
	for _, name := range entries {
		if i := slices.IndexFunc(files, func(f runtime.File) bool { return f.Name == name }); i >= 0 {
			return files[i], true, nil
		}
	}
	return f, false, nil
}

// compile makes the script of an entry point.
func compile(f runtime.File) (*goja.Program, error) {
	text, err := f.Read()
	if err != nil {
		return nil, err
	}
	if path.Ext(f.Name) == ".js" && !modular.Match(text) {
		return parse(f.Name, string(text), parser.WithDisableSourceMaps)
	}
	bundled, err := bundle(f, string(text))
	if err != nil {
		return nil, err
	}
	return parse(f.Name, bundled)
}

// modular is what a script has that is a module: it imports, exports or requires.
var modular = regexp.MustCompile(`(?m)^\s*(import|export)\b|\brequire\s*\(|\bimport\s*\(`)

func parse(name, text string, options ...parser.Option) (*goja.Program, error) {
	tree, err := goja.Parse(name, text, options...)
	if err != nil {
		return nil, syntaxError(err)
	}
	return goja.CompileAST(tree, true)
}

// syntaxError is the parser's in one line.
func syntaxError(err error) error { return errors.New(strings.Join(strings.Fields(err.Error()), " ")) }

// publish makes InitModule global, whatever way the entry point declares it.
const publish = "\n;if (typeof InitModule === \"function\") globalThis.InitModule = InitModule;"

// bundle puts an entry point and what it imports into one script, in the language that the interpreter has, with a map
// back to the files.
func bundle(f runtime.File, text string) (string, error) {
	loader := api.LoaderJS
	if strings.HasSuffix(f.Name, ".ts") {
		loader = api.LoaderTS
	}
	result := api.Build(api.BuildOptions{
		Stdin:         &api.StdinOptions{Contents: text + publish, Sourcefile: f.Name, ResolveDir: filepath.Dir(f.Path()), Loader: loader},
		AbsWorkingDir: f.Root,
		Bundle:        true, Format: api.FormatIIFE, GlobalName: "__entry", Platform: api.PlatformNeutral,
		MainFields: []string{"module", "main"}, Conditions: []string{"import", "require"},
		Target: api.ES2017, Sourcemap: api.SourceMapInline, TreeShaking: api.TreeShakingFalse, Charset: api.CharsetUTF8, KeepNames: true,
		TsconfigRaw: `{"compilerOptions": {"alwaysStrict": true}}`,
		LogLevel:    api.LogLevelSilent,
	})
	if len(result.Errors) > 0 {
		return "", buildError(result.Errors)
	}
	return string(result.OutputFiles[0].Contents), nil
}

// buildError says of each mistake where it is.
func buildError(messages []api.Message) error {
	var all []error
	for _, m := range messages {
		if l := m.Location; l != nil {
			all = append(all, fmt.Errorf("%s:%d:%d: %s", l.File, l.Line, l.Column+1, m.Text))
		} else {
			all = append(all, errors.New(m.Text))
		}
	}
	return errors.Join(all...)
}
