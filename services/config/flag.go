package config

import (
	"strings"
)

// Flags are the settings of a command line.
type Flags struct {
	given    []given
	problems Problems
}

// Split takes the settings out of a command line and leaves the rest, in order: commands and flags that are no settings.
// A setting is --section.key=value or --section.key value; one dash will do, and dashes for underscores; a boolean alone is
// true. A list's flag may be repeated. What looks like a setting (it has a dot) and is none is a problem that Load reports.
func Split(args []string) (Flags, []string) {
	var fl Flags
	var rest []string
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			rest = append(rest, args[i:]...)
			break
		}
		name, value, has := strings.Cut(arg, "=")
		path, ok := flagPath(name)
		if !ok {
			rest = append(rest, arg)
			continue
		}
		from := Source{Kind: FromFlag, Name: "--" + path}
		next := func() (string, bool) {
			if i+1 >= len(args) {
				return "", false
			}
			i++
			return args[i], true
		}
		k, known := byPath[path]
		switch {
		case !known:
			fl.problems.unknown(from, path, func(p string) string { return "--" + p })
			if !has && i+1 < len(args) && !strings.HasPrefix(args[i+1], "-") {
				i++ // its value
			}
			continue
		case has:
		case k.Kind == Bool:
			value = "true"
			if i+1 < len(args) && (args[i+1] == "true" || args[i+1] == "false") {
				value, _ = next()
			}
		default:
			if value, has = next(); !has {
				fl.problems.problemf(from, path, "needs a value: --%s=…", path)
				continue
			}
		}
		fl.add(k, value, from)
	}
	return fl, rest
}

// flagPath is the path of a setting's flag, or of what was meant as one.
func flagPath(name string) (path string, ok bool) {
	path, ok = strings.CutPrefix(name, "-")
	path = strings.TrimPrefix(path, "-")
	if !ok || path == "" || path[0] == '-' {
		return "", false
	}
	path = strings.ReplaceAll(path, "-", "_")
	_, known := byPath[path]
	return path, known || strings.Contains(path, ".")
}

// add appends to a list that the command line has begun, and otherwise lets the later flag win.
func (fl *Flags) add(k *Key, value string, from Source) {
	values := []string{value}
	if k.ListStyle == "comma" {
		values = splitList(k, value)
	} // any other list takes one element a flag, commas, line ends and all
	for i := range fl.given {
		if fl.given[i].key != k {
			continue
		}
		if k.Kind == List {
			values = append(fl.given[i].values, values...)
		}
		fl.given[i].values = values
		return
	}
	fl.given = append(fl.given, given{k, values, from})
}

// Names is the paths that the command line sets.
func (fl *Flags) Names() (paths []string) {
	for _, g := range fl.given {
		paths = append(paths, g.key.Path)
	}
	return paths
}
