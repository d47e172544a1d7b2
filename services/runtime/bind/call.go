package bind

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/heroiclabs/nakama-common/runtime"
)

// Function is one line of the table.
type Function struct {
	name, jsName string
	words        [2]string // of the parameters in Lua and in JavaScript
	lua, js      []param
	luaOnly      bool
	jsOnly       bool
	present      int // so many arguments must be there in Lua, though they may be nil, but for those with a default
	results      []string
	run          func(*Call) ([]any, error)
}

// fn is a line: name, parameters and results in words, and what runs it.
func fn(name, params, results string, run func(*Call) ([]any, error)) *Function {
	return &Function{name: name, jsName: Camel(name), words: [2]string{Lua: params, JavaScript: params}, results: strings.Fields(results), run: run}
}

// inJS says that JavaScript takes other parameters.
func (f *Function) inJS(params string) *Function { f.words[JavaScript] = params; return f }

// as names the function in JavaScript.
func (f *Function) as(name string) *Function { f.jsName = name; return f }

// forLua and forJS are for functions that only one language has.
func (f *Function) forLua() *Function { f.luaOnly = true; return f }
func (f *Function) forJS() *Function  { f.jsOnly = true; return f }

// all says that Lua wants so many arguments to be there: nil will do where one is optional, and nothing only for a default.
func (f *Function) all(n int) *Function { f.present = n; return f }

// Call is one call of a function: its arguments are what Params says they are.
type Call struct {
	*Host
	Ctx  context.Context
	Lang Lang

	params []param
	args   []any
}

// Host is what functions run on.
type Host struct {
	NK    runtime.NakamaModule
	Cache *Cache  // of one language
	DB    *sql.DB // refuses everything on the embedded store
	Root  string  // of the modules
}

// NameIn is the function's name in a language; "" when it has none.
func (f *Function) NameIn(l Lang) string {
	switch {
	case l == Lua && f.jsOnly, l == JavaScript && f.luaOnly:
		return ""
	case l == Lua:
		return f.name
	}
	return f.jsName
}

// Arity is how many arguments the function looks at.
func (f *Function) Arity(l Lang) int { return len(f.paramsIn(l)) }

func (f *Function) paramsIn(l Lang) []param {
	if l == Lua {
		return f.lua
	}
	return f.js
}

// Invoke checks the arguments and runs the function. Lua gets its results one by one; JavaScript gets one.
// Errors: *ArgumentError, and what the function answers.
func (f *Function) Invoke(ctx context.Context, h *Host, l Lang, args []any) ([]any, error) {
	c := Call{Host: h, Ctx: ctx, Lang: l, params: f.paramsIn(l)}
	c.args = make([]any, len(c.params))
	for i := range c.params {
		var v any
		if i < len(args) {
			v = args[i]
		} else if p := c.params[i]; l == Lua && i < f.present && p.optional && p.fallback == nil {
			return nil, &ArgumentError{f.name, i + 1, "value expected"}
		}
		out, wrong := c.params[i].check(v, l)
		if wrong != "" {
			return nil, &ArgumentError{f.NameIn(l), i + 1, wrong}
		}
		c.args[i] = out
	}
	out, err := f.run(&c)
	if err != nil {
		return nil, c.locate(f, err)
	}
	if l == Lua {
		for i := range out {
			if out[i] == any(Absent) {
				out[i] = nil
			}
		}
		return out, nil
	}
	if len(f.results) == 0 {
		return nil, nil
	}
	if len(f.results) == 1 {
		return out[:1], nil
	}
	o := &Object{}
	for i, name := range f.results {
		if out[i] != any(Absent) {
			o.Add(name, out[i])
		}
	}
	return []any{o}, nil
}

// locate gives an *ArgumentError that Run made by Wrong its function and place.
func (c *Call) locate(f *Function, err error) error {
	if w, ok := err.(*ArgumentError); ok && w.Function == "" {
		w.Function = f.NameIn(c.Lang)
	}
	return err
}

// Wrong refuses an argument by the name of its parameter.
func (c *Call) Wrong(name, text string) error {
	return &ArgumentError{Index: c.find(name) + 1, Text: text}
}

func (c *Call) find(name string) int {
	for i := range c.params {
		if c.params[i].name == name {
			return i
		}
	}
	panic("bind: no parameter is named " + name)
}

// Arg is an argument, nil when it was not given and has no default.
func (c *Call) Arg(name string) any { return c.args[c.find(name)] }

// Str is a string; "" when not given.
func (c *Call) Str(name string) string { s, _ := c.Arg(name).(string); return s }

// Int is a whole number; 0 when not given.
func (c *Call) Int(name string) int { n, _ := c.Arg(name).(int64); return int(n) }

// Int64 is a whole number; 0 when not given.
func (c *Call) Int64(name string) int64 { n, _ := c.Arg(name).(int64); return n }

// IntOr is a whole number, nil when not given.
func (c *Call) IntOr(name string) *int {
	if n, ok := c.Arg(name).(int64); ok {
		i := int(n)
		return &i
	}
	return nil
}

// Number is a number; 0 when not given.
func (c *Call) Number(name string) float64 { n, _ := c.Arg(name).(float64); return n }

// Bool is a truth; false when not given.
func (c *Call) Bool(name string) bool { b, _ := c.Arg(name).(bool); return b }

// BoolOr is a truth, nil when not given.
func (c *Call) BoolOr(name string) *bool {
	if b, ok := c.Arg(name).(bool); ok {
		return &b
	}
	return nil
}

// Object is a table; nil when not given.
func (c *Call) Object(name string) map[string]any { m, _ := c.Arg(name).(map[string]any); return m }

// Strings is a list of strings; nil when not given.
func (c *Call) Strings(name string) []string { l, _ := c.Arg(name).([]string); return l }

// Tags is a table of strings; nil when not given.
func (c *Call) Tags(name string) map[string]string { m, _ := c.Arg(name).(map[string]string); return m }

// Bytes is binary; nil when not given.
func (c *Call) Bytes(name string) []byte { b, _ := c.Arg(name).([]byte); return b }

// Func is a function of the script.
func (c *Call) Func(name string) Func { f, _ := c.Arg(name).(Func); return f }

// Rows is a list of objects.
func (c *Call) Rows(name string) []Row {
	list, _ := c.Arg(name).([]any)
	rows := make([]Row, len(list))
	for i, row := range list {
		rows[i].m, _ = row.(map[string]any)
		rows[i].c, rows[i].of = c, name
	}
	return rows
}

// Row is an object in a list of arguments. Its members are read by what they are called in Lua; the first that is wrong
// is remembered in Err, and what is read then is zero.
type Row struct {
	m   map[string]any
	c   *Call
	of  string
	Err error
}

func (r *Row) get(name, typ string) any {
	p := param{name: name, kind: kinds[strings.TrimSuffix(typ, "?")], optional: strings.HasSuffix(typ, "?"), member: true}
	key := name
	if r.c.Lang == JavaScript {
		key = Camel(name)
	}
	v, wrong := p.check(r.m[key], r.c.Lang)
	if wrong != "" && r.Err == nil {
		if r.m[key] == nil {
			wrong = "expects " + p.words() + " to be given"
		}
		r.Err = r.c.Wrong(r.of, wrong)
	}
	return v
}

// Str, Int, Bool, Object and Tags read a member of the type that is named in words like those of Params.
func (r *Row) Str(name, typ string) string { s, _ := r.get(name, typ).(string); return s }

func (r *Row) Int(name, typ string) int64 { n, _ := r.get(name, typ).(int64); return n }

// IntOr is a member, or what it is when not given.
func (r *Row) IntOr(name string, otherwise int64) int64 {
	if n, ok := r.get(name, "int?").(int64); ok {
		return n
	}
	return otherwise
}

func (r *Row) Bool(name, typ string) bool { b, _ := r.get(name, typ).(bool); return b }

func (r *Row) Object(name, typ string) map[string]any {
	m, _ := r.get(name, typ).(map[string]any)
	return m
}

// each turns the objects of a list into rows of the module's type.
func each[T any](c *Call, name string, f func(*Row) T) ([]T, error) {
	list := c.Rows(name)
	out := make([]T, 0, len(list))
	for i := range list {
		out = append(out, f(&list[i]))
		if list[i].Err != nil {
			return nil, list[i].Err
		}
	}
	return out, nil
}

// Absent is a result that JavaScript's object does not have at all, and Lua as nil.
var Absent = &struct{ absent bool }{}

// cursor is where the next page begins, nil after the last.
func cursor(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// cursorIf is cursor for those functions whose answer has no such member after the last page.
func cursorIf(text string) any {
	if text == "" {
		return Absent
	}
	return text
}

// none is what a function answers that has no result.
func none(err error) ([]any, error) { return nil, err }

// one is what a function answers that has one result.
func one[T any](v T, err error) ([]any, error) { return []any{v}, err }

// rows are what a function answers that has a list.
func rows[T any](all []T, err error, f func(T) *Object) ([]any, error) {
	return []any{list(all, f)}, err
}

// page is a list and where the next page begins.
func page[T any](all []T, next string, err error, f func(T) *Object) ([]any, error) {
	return []any{list(all, f), cursor(next)}, err
}

// failed puts what was tried before an error.
func failed(tried string, out []any, err error) ([]any, error) {
	if err != nil {
		err = fmt.Errorf("%s: %w", tried, err)
	}
	return out, err
}
