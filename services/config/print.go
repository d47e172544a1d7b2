package config

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// mask stands for a secret.
const mask = "********"

// Shown is a setting's value as it may be shown: secrets and passwords masked.
func (c *Config) Shown(k *Key) []string {
	values := c.Values(k)
	switch {
	case k.Path == "database.address":
		shown := make([]string, len(values))
		for i, v := range values {
			shown[i] = RedactDSN(v)
		}
		return shown
	case k.Secret && values[0] != "":
		return []string{mask}
	case k.Path == "runtime.env":
		shown := make([]string, len(values))
		for i, v := range values {
			name, _, _ := strings.Cut(v, "=")
			shown[i] = name + "=" + mask
		}
		return shown
	}
	return values
}

// state is where a value comes from, in words.
func (c *Config) state(k *Key) string {
	from := c.origin[k.Path]
	if from.Kind == FromDefault && k.Generate > 0 {
		return "made on the first start"
	}
	return from.String()
}

// Print writes the settings as YAML that Load reads, each with where it comes from. all: also those that are the default.
func (c *Config) Print(w io.Writer, all bool) error {
	var b strings.Builder
	printed := map[string]bool{}
	for _, k := range keys {
		if !all && !c.Given(k.Path) || k.Path == "config" || (k.Deprecated && !c.Given(k.Path)) {
			continue
		}
		parts := strings.Split(k.Path, ".")
		for i := range parts[:len(parts)-1] {
			section := strings.Join(parts[:i+1], ".")
			if !printed[section] {
				printed[section] = true
				fmt.Fprintf(&b, "%s%s:\n", strings.Repeat("  ", i), parts[i])
			}
		}
		indent := strings.Repeat("  ", len(parts)-1)
		line := indent + parts[len(parts)-1] + ": " + yamlValue(k, c.Shown(k))
		pad := max(1, 48-utf8.RuneCountInString(line))
		fmt.Fprintf(&b, "%s%*s# %s\n", line, pad, "", c.state(k))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func yamlValue(k *Key, values []string) string {
	switch k.Kind {
	case List:
		quoted := make([]string, len(values))
		for i, v := range values {
			quoted[i] = quote(v)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	case String:
		return quote(values[0])
	}
	return values[0]
}

// quote is a YAML string: Go's escapes are a part of YAML's. JSON's would leave control characters in that YAML refuses.
func quote(s string) string { return strconv.Quote(s) }

// PrintJSON writes the same as lines of JSON objects: key, value, source.
func (c *Config) PrintJSON(w io.Writer, all bool) error {
	enc := json.NewEncoder(w)
	for _, k := range keys {
		if !all && !c.Given(k.Path) {
			continue
		}
		if err := enc.Encode(struct {
			Key    string `json:"key"`
			Value  any    `json:"value"`
			Source string `json:"source"`
		}{k.Path, jsonValue(k, c.Shown(k)), c.state(k)}); err != nil {
			return err
		}
	}
	return nil
}

// jsonValue has the type that JSON has for the kind.
func jsonValue(k *Key, values []string) any {
	switch k.Kind {
	case List:
		if values == nil {
			values = []string{}
		}
		return values
	case Int:
		return json.Number(values[0])
	case Bool:
		return values[0] == "true"
	}
	return values[0]
}
