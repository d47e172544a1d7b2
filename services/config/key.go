package config

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Kind is the type of a setting.
type Kind uint8

// The kinds.
const (
	String Kind = iota
	Int
	Bool
	List // of strings
)

func (k Kind) String() string { return [...]string{"string", "integer", "boolean", "list"}[k] }

// EnvPrefix begins the name of every setting in the environment.
const EnvPrefix = "SKIRMISH_"

// Key describes one setting, as the tags of its field do.
type Key struct {
	Path      string // "socket.port"
	Kind      Kind
	Doc       string
	Default   []string // as text: one element, or a list's
	Min, Max  int64    // of an Int
	Enum      []string
	Fail      string // sentence for a value out of bounds; "": a generic one
	Required  string // sentence for an empty value; "": may be empty
	Secret    bool
	Generate  int    // characters made on the first run; 0: none are made
	Published string // Nakama's default
	Old       string // what to use instead; Deprecated says whether there is something to say
	ListStyle string // "", "comma", "env"

	Deprecated bool
	index      []int // of the field in Config
}

// Env is the setting's name in the environment.
func (k *Key) Env() string {
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(k.Path, ".", "_"))
}

// Section is what a path is in: "" for "name", "social.steam" for "social.steam.app_id".
func (k *Key) Section() string {
	if dot := strings.LastIndexByte(k.Path, '.'); dot >= 0 {
		return k.Path[:dot]
	}
	return ""
}

// Section is a group of settings.
type Section struct {
	Path string // "" is the root
	Doc  string
	Keys []*Key // not those of sections within
}

// The tree, read from the tags once: settings and sections in the order of the fields, and what each section is about, also
// of those that have no settings of their own.
var keys, sections, sectionDocs = describe()

var byPath = func() map[string]*Key {
	m := map[string]*Key{}
	for _, k := range keys {
		m[k.Path] = k
	}
	return m
}()

// Keys is every setting, in the order of the documentation. Read-only.
func Keys() []*Key { return keys }

// Sections is every section that has settings of its own, the root first. Read-only.
func Sections() []*Section { return sections }

// Find is the setting of that path.
func Find(path string) (*Key, bool) { k, ok := byPath[path]; return k, ok }

func describe() (keys []*Key, sections []*Section, docs map[string]string) {
	docs = map[string]string{}
	var walk func(t reflect.Type, path string, index []int, s *Section)
	walk = func(t reflect.Type, path string, index []int, s *Section) {
		sections = append(sections, s)
		docs[s.Path] = s.Doc
		for i := range t.NumField() {
			f := t.Field(i)
			name, ok := f.Tag.Lookup("key")
			if !ok {
				continue
			}
			at := append(slices.Clone(index), i)
			if f.Type.Kind() == reflect.Struct {
				walk(f.Type, path+name+".", at, &Section{Path: path + name, Doc: f.Tag.Get("doc")})
				continue
			}
			k := describeKey(f, path+name)
			k.index = at
			keys = append(keys, k)
			s.Keys = append(s.Keys, k)
		}
	}
	walk(reflect.TypeFor[Config](), "", nil, &Section{Doc: "The server as a whole."})
	sections = slices.DeleteFunc(sections, func(s *Section) bool { return len(s.Keys) == 0 })
	return keys, sections, docs
}

func describeKey(f reflect.StructField, path string) *Key {
	tag := f.Tag.Get
	k := &Key{
		Path: path, Doc: tag("doc"), Fail: tag("fail"), Required: tag("required"), Secret: tag("secret") == "true",
		Published: tag("published"), Old: tag("old"), ListStyle: tag("list"),
	}
	_, k.Deprecated = f.Tag.Lookup("old")
	if enum := tag("enum"); enum != "" {
		k.Enum = strings.Split(enum, ",")
	}
	if n := tag("generate"); n != "" {
		k.Generate = int(number(path, n))
	}
	switch f.Type.Kind() {
	case reflect.String:
		k.Kind, k.Default = String, []string{tag("default")}
	case reflect.Bool:
		k.Kind, k.Default = Bool, []string{tag("default")}
	case reflect.Int:
		k.Kind, k.Default = Int, []string{tag("default")}
		k.Min, k.Max = number(path, tag("min")), math.MaxInt32
		if m := tag("max"); m != "" {
			k.Max = number(path, m)
		}
	case reflect.Slice:
		k.Kind, k.Default = List, strings.Fields(tag("default"))
	default:
		panic(fmt.Sprintf("config: %s has a type that no setting has: %v", path, f.Type))
	}
	return k
}

// number reads a tag: a mistake in one is a bug.
func number(path, text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		panic(fmt.Sprintf("config: a tag of %s: %v", path, err))
	}
	return n
}

// field is the setting's place in c.
func (c *Config) field(k *Key) reflect.Value { return reflect.ValueOf(c).Elem().FieldByIndex(k.index) }

// Values is a setting's value as text: one element, or a list's.
func (c *Config) Values(k *Key) []string {
	f := c.field(k)
	switch k.Kind {
	case List:
		return f.Interface().([]string)
	case Int:
		return []string{strconv.FormatInt(f.Int(), 10)}
	case Bool:
		return []string{strconv.FormatBool(f.Bool())}
	}
	return []string{f.String()}
}

// Origin says where a setting's value comes from.
func (c *Config) Origin(path string) Source { return c.origin[path] }

// set parses values into the setting. Errors: a sentence's end, such as `must be a whole number, not "x"`.
func (c *Config) set(k *Key, values []string) error {
	f := c.field(k)
	if k.Kind == List {
		f.Set(reflect.ValueOf(slices.Clone(values)))
		return nil
	}
	if len(values) != 1 {
		return fmt.Errorf("must be one value, not a list of %d", len(values))
	}
	text := values[0]
	switch k.Kind {
	case String:
		f.SetString(text)
	case Int:
		n, err := strconv.ParseInt(strings.TrimSpace(text), 0, 64)
		if err != nil {
			return fmt.Errorf("must be a whole number, not %s", k.show(text))
		}
		f.SetInt(n)
	case Bool:
		b, ok := parseBool(text)
		if !ok {
			return fmt.Errorf("must be true or false, not %s", k.show(text))
		}
		f.SetBool(b)
	}
	return nil
}

// show quotes a wrong value for a message: not a secret's, and not all of a long one.
func (k *Key) show(text string) string {
	if k.Secret {
		return "what is given"
	}
	if len(text) > 60 {
		text = strings.ToValidUTF8(text[:60], "") + "…"
	}
	return strconv.Quote(text)
}

func parseBool(text string) (value, ok bool) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "true", "t", "1", "yes", "y", "on":
		return true, true
	case "false", "f", "0", "no", "n", "off":
		return false, true
	}
	return false, false
}
