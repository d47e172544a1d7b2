package config

import (
	"encoding/json"
	"os"
	"strings"
)

// fileMax is the most that is read of a file with settings or with one value.
const fileMax = 1 << 20

// readEnv takes the settings from the environment: SKIRMISH_SECTION_KEY, or SKIRMISH_SECTION_KEY_FILE for a file that holds
// the value, as Docker's secrets do. An empty variable counts as not there.
func readEnv(environ []string) (all []given, warnings, ps Problems) {
	vars := map[string]string{}
	for _, v := range environ {
		if name, value, ok := strings.Cut(v, "="); ok && strings.HasPrefix(name, EnvPrefix) && value != "" {
			vars[name] = value
		}
	}
	for _, k := range keys {
		name := k.Env()
		value, has := vars[name]
		path, hasFile := vars[name+"_FILE"]
		delete(vars, name)
		delete(vars, name+"_FILE")
		from := Source{Kind: FromEnv, Name: name}
		if has && kubernetesPort(k, value) {
			warnings.problemf(from, k.Path, "is ignored: Kubernetes sets it for a service of that name, and it is no port")
			has = false
		}
		switch {
		case has && hasFile:
			ps.problemf(from, k.Path, "%s and %s_FILE are both set: one of them", name, name)
			continue
		case hasFile:
			from.Name = name + "_FILE"
			text, err := readFile(path)
			if err != nil {
				ps.problemf(from, k.Path, "%v", err)
				continue
			}
			value = strings.TrimRight(string(text), "\r\n")
		case !has:
			continue
		}
		values := []string{value}
		if k.Kind == List {
			values = splitList(k, value)
		}
		all = append(all, given{k, values, from})
	}
	for name := range vars {
		if k := nearEnv(name); k != nil {
			warnings.problemf(Source{Kind: FromEnv, Name: name}, "", "there is no such setting. Did you mean %s?", k.Env())
		}
	}
	return all, warnings, ps
}

// kubernetesPort recognises what Kubernetes puts into the environment of every container for a service named, say,
// skirmish-console: SKIRMISH_CONSOLE_PORT=tcp://10.0.0.7:7351.
func kubernetesPort(k *Key, value string) bool {
	return k.Kind == Int && strings.HasSuffix(k.Path, "port") && strings.Contains(value, "://")
}

// nearEnv is the setting that a variable is a slip of. Variables that are nothing of ours are left alone: there are such,
// Kubernetes' for instance.
func nearEnv(name string) *Key {
	const slip = 2 // letters
	for _, k := range keys {
		if edits(name, k.Env()) <= slip {
			return k
		}
	}
	return nil
}

// splitList reads a list from a variable: a JSON array, or lines, or with ListStyle "comma" what commas separate.
func splitList(k *Key, text string) []string {
	if strings.HasPrefix(strings.TrimSpace(text), "[") {
		var list []string
		if json.Unmarshal([]byte(text), &list) == nil {
			return list
		}
	}
	list := []string{}
	separates := func(r rune) bool { return r == '\n' || r == '\r' || (r == ',' && k.ListStyle == "comma") }
	for _, one := range strings.FieldsFunc(text, separates) {
		if one = strings.TrimSpace(one); one != "" {
			list = append(list, one)
		}
	}
	return list
}

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > fileMax {
		return nil, &os.PathError{Op: "read", Path: path, Err: errTooLarge}
	}
	return os.ReadFile(path)
}
