package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// SourceKind is a kind of place that a value can come from, in rising precedence.
type SourceKind uint8

// The kinds of places.
const (
	FromDefault SourceKind = iota
	FromSecrets            // data_dir/secrets.yaml
	FromFile
	FromEnv
	FromFlag
)

// Source is where a value comes from.
type Source struct {
	Kind SourceKind
	Name string // of the file, variable or flag
	Line int    // in the file; 0: not known
}

func (s Source) String() string {
	if s.Kind == FromDefault {
		return "default"
	}
	if s.Line > 0 {
		return s.Name + ":" + strconv.Itoa(s.Line)
	}
	return s.Name
}

// given is a value that somebody gave.
type given struct {
	key    *Key
	values []string
	from   Source
}

// Problem is something that is wrong, or for a warning unwise, about one setting.
type Problem struct {
	Key    string // "" when it is about no single setting
	Text   string // where Nakama has a sentence for it, that sentence
	Advice string // what to do; may be empty
	From   Source
}

func (p Problem) String() string {
	var b strings.Builder
	if p.Key != "" {
		b.WriteString(p.Key)
		if p.From.Kind != FromDefault {
			fmt.Fprintf(&b, " (%v)", p.From)
		}
		b.WriteString(": ")
	} else if p.From.Kind != FromDefault {
		fmt.Fprintf(&b, "%v: ", p.From)
	}
	b.WriteString(p.Text)
	if p.Advice != "" {
		b.WriteString(". " + p.Advice)
	}
	return b.String()
}

// Problems is everything that is wrong with a configuration, as one error.
type Problems []Problem

func (ps Problems) Error() string {
	var b strings.Builder
	b.WriteString("the configuration is not valid:")
	for _, p := range ps {
		b.WriteString("\n  " + p.String())
	}
	return b.String()
}

// problemf adds a problem that the reading of a source found.
func (ps *Problems) problemf(from Source, key, format string, args ...any) {
	*ps = append(*ps, Problem{Key: key, Text: fmt.Sprintf(format, args...), From: from})
}

// asError is nil for no problems: a nil Problems in an error is not a nil error.
func (ps Problems) asError() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}

// AsProblems is the problems in an error of Load.
func AsProblems(err error) (Problems, bool) {
	var ps Problems
	return ps, errors.As(err, &ps)
}

// Nearest is the known path that looks most like an unknown one: the smallest number of edits. Without a dot it is enough
// that the last part is right: "port" is near to "socket.port".
func Nearest(path string) string {
	best, bestCost := "", 1<<30
	try := func(candidate string, cost int) {
		if cost < bestCost {
			best, bestCost = candidate, cost
		}
	}
	for _, k := range keys {
		cost := 2 * edits(path, k.Path)
		if tail := k.Path[strings.LastIndexByte(k.Path, '.')+1:]; !strings.Contains(path, ".") {
			cost = min(cost, 2*edits(path, tail)+1)
		}
		if k.Deprecated {
			cost++
		}
		try(k.Path, cost)
	}
	for _, s := range sections {
		try(s.Path, 2*edits(path, s.Path))
	}
	return best
}

// edits is the number of letters to insert, delete, change or swap with their neighbour that leads from a to b.
func edits(a, b string) int {
	const most = 80 // keys are shorter; what is longer is not worth the time
	a, b = a[:min(len(a), most)], b[:min(len(b), most)]
	var before, last []int
	next := make([]int, len(b)+1)
	for j := range next {
		next[j] = j
	}
	for i := range len(a) {
		before, last, next = last, next, make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			change := last[j]
			if a[i] != b[j] {
				change++
			}
			next[j+1] = min(change, last[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
	}
	return next[len(b)]
}

// unknown adds the problem of a key that does not exist. written is how the source spells keys.
func (ps *Problems) unknown(from Source, path string, written func(path string) string) {
	p := Problem{Key: path, Text: "there is no such setting", From: from}
	if names := within(path); len(names) > 0 {
		p.Text = "is a section, not a setting"
		p.Advice = "It has " + strings.Join(names, ", ")
	} else {
		p.Advice = "Did you mean " + written(Nearest(path)) + "?"
	}
	*ps = append(*ps, p)
}

// within names what a section has, when path is one.
func within(path string) (names []string) {
	for _, k := range keys {
		if rest, ok := strings.CutPrefix(k.Path, path+"."); ok {
			name, _, _ := strings.Cut(rest, ".")
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}
