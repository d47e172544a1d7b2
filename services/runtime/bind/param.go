package bind

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/skirmishgg/skirmish/protocol/id"
)

// param is one parameter.
type param struct {
	name     string
	kind     kind
	optional bool // nil will do, and is then fallback
	strict   bool // of lists: a table of nothing will not do
	member   bool // of an object, where a text that is given is not empty in Lua either
	fallback any
}

type kind uint8

const (
	isString kind = iota
	isText
	isUUID
	isInt
	isNumber
	isBool
	isObject
	isStrings
	isUUIDs
	isTags
	isBytes
	isFunc
	isList
	isAny
)

var kinds = map[string]kind{
	"string": isString, "text": isText, "uuid": isUUID, "int": isInt, "number": isNumber, "bool": isBool, "object": isObject,
	"strings": isStrings, "uuids": isUUIDs, "tags": isTags, "bytes": isBytes, "func": isFunc, "list": isList, "any": isAny,
}

// parseParams reads the words of the table; a mistake there panics at start.
func parseParams(words string) (list []param) {
	for _, word := range strings.Fields(words) {
		name, rest, _ := strings.Cut(word, ":")
		p := param{name: name}
		typ, fallback, has := strings.Cut(rest, "=")
		if strings.HasSuffix(typ, "?") {
			typ, p.optional = typ[:len(typ)-1], true
		}
		if strings.HasSuffix(typ, "!") {
			typ, p.strict = typ[:len(typ)-1], true
		}
		var ok bool
		if p.kind, ok = kinds[typ]; !ok {
			panic("bind: no type in " + word)
		}
		if has {
			p.optional, p.fallback = true, p.parseDefault(fallback)
		}
		list = append(list, p)
	}
	return list
}

func (p *param) parseDefault(text string) any {
	var v any
	var err error
	switch p.kind {
	case isInt:
		v, err = strconv.ParseInt(text, 10, 64)
	case isNumber:
		v, err = strconv.ParseFloat(text, 64)
	case isBool:
		v, err = strconv.ParseBool(text)
	case isString, isText, isUUID:
		v = text
	default:
		err = fmt.Errorf("no default")
	}
	if err != nil {
		panic("bind: default of " + p.name + ": " + err.Error())
	}
	return v
}

// ArgumentError is a wrong argument. Lua says bad argument #Index to Function (Text), JavaScript throws a TypeError.
type ArgumentError struct {
	Function string
	Index    int // from 1
	Text     string
}

func (e *ArgumentError) Error() string {
	return fmt.Sprintf("bad argument #%d to %s (%s)", e.Index, e.Function, e.Text)
}

// check takes an argument as the parameter wants it; text says what is wrong with it.
func (p *param) check(v any, l Lang) (out any, text string) {
	if v == nil {
		if p.optional {
			return p.fallback, ""
		}
		if p.kind == isAny {
			return nil, ""
		}
		return nil, p.expected(v, l)
	}
	switch p.kind {
	case isAny:
		return v, ""
	case isString, isText, isUUID:
		return p.checkString(v, l)
	case isInt, isNumber:
		return p.checkNumber(v, l)
	case isBool:
		if b, ok := v.(bool); ok {
			return b, ""
		}
	case isObject:
		if m, ok := v.(map[string]any); ok {
			return m, ""
		}
	case isFunc:
		if f, ok := v.(Func); ok {
			return f, ""
		}
	case isBytes:
		switch v := v.(type) {
		case string:
			return []byte(v), ""
		case Bytes:
			return []byte(v), ""
		}
	case isTags:
		return p.checkTags(v, l)
	default:
		return p.checkList(v, l)
	}
	return nil, p.expected(v, l)
}

func (p *param) checkString(v any, l Lang) (any, string) {
	s, ok := v.(string)
	if !ok && l == Lua { // as Lua has it: a number is a string where one is wanted
		switch v := v.(type) {
		case float64:
			s, ok = strconv.FormatFloat(v, 'g', 14, 64), true
		case int64:
			s, ok = strconv.FormatInt(v, 10), true
		}
	}
	switch {
	case !ok:
		return nil, p.expected(v, l)
	case s == "" && p.optional && p.fallback == nil && l == Lua && !(p.member && p.kind == isText): // not set
		return nil, ""
	case s == "" && p.kind != isString && p.optional && p.fallback == "":
		return s, ""
	case p.kind == isText && s == "":
		return nil, "expects " + p.words() + " to be a non-empty string"
	case p.kind == isUUID:
		if _, err := id.Parse(s); err != nil {
			return nil, "expects " + p.words() + " to be a valid identifier"
		}
	}
	return s, ""
}

func (p *param) checkNumber(v any, l Lang) (any, string) {
	var f float64
	switch v := v.(type) {
	case int64:
		if p.kind == isInt {
			return v, ""
		}
		return float64(v), ""
	case float64:
		f = v
	case string:
		var err error
		if f, err = strconv.ParseFloat(strings.TrimSpace(v), 64); err != nil || l != Lua {
			return nil, p.expected(v, l)
		}
	default:
		return nil, p.expected(v, l)
	}
	if p.kind == isNumber {
		return f, ""
	}
	if f != math.Trunc(f) && l == JavaScript || math.IsNaN(f) || f < math.MinInt64 || f >= math.MaxInt64 {
		return nil, p.expected(v, l)
	}
	return int64(f), ""
}

func (p *param) checkTags(v any, l Lang) (any, string) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, p.expected(v, l)
	}
	tags := make(map[string]string, len(m))
	for k, v := range m {
		s, ok := v.(string)
		if !ok {
			return nil, "expects " + p.words() + " to be a table of strings"
		}
		tags[k] = s
	}
	return tags, ""
}

func (p *param) checkList(v any, l Lang) (any, string) {
	rows, ok := v.([]any)
	if m, empty := v.(map[string]any); empty && len(m) == 0 && l == Lua && !p.strict {
		rows, ok = []any{}, true // a table of nothing, as Lua writes an empty list
	}
	if !ok {
		if p.strict {
			return nil, "invalid " + p.words()
		}
		return nil, p.expected(v, l)
	}
	if p.kind == isList {
		for _, row := range rows {
			if _, ok := row.(map[string]any); !ok {
				return nil, "expects " + p.words() + " to be a list of objects"
			}
		}
		return rows, ""
	}
	texts := make([]string, len(rows))
	for i, row := range rows {
		s, ok := row.(string)
		if !ok {
			return nil, "expects " + p.words() + " to be a list of strings"
		}
		if _, err := id.Parse(s); err != nil && p.kind == isUUIDs {
			return nil, "expects " + p.words() + " to be a list of valid identifiers"
		}
		texts[i] = s
	}
	return texts, ""
}

// words is the parameter's name as a person says it.
func (p *param) words() string { return strings.ReplaceAll(p.name, "_", " ") }

var expectations = [...]string{
	isString: "string", isText: "string", isUUID: "string", isInt: "number", isNumber: "number", isBool: "bool", isObject: "object",
	isStrings: "array", isUUIDs: "array", isTags: "object", isBytes: "string", isFunc: "function", isList: "array", isAny: "value",
}

// expected says which type was wanted, as the language's own functions do.
func (p *param) expected(v any, l Lang) string {
	want := expectations[p.kind]
	if l == JavaScript {
		return "expects " + want
	}
	switch want {
	case "object", "array":
		want = "table"
	case "bool":
		want = "boolean"
	}
	return want + " expected, got " + luaType(v)
}

func luaType(v any) string {
	switch v.(type) {
	case nil:
		return "nil"
	case bool:
		return "boolean"
	case float64, int64:
		return "number"
	case string, Bytes:
		return "string"
	case Func:
		return "function"
	}
	return "table"
}
