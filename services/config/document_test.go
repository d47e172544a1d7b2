package config

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the generated documents anew")

// TestDocuments holds the checked-in documents against the tags; -rewrite writes them.
func TestDocuments(t *testing.T) {
	for name, want := range map[string][]byte{"configuration.md": Document(), "configuration.schema.json": Schema()} {
		path := filepath.Join("..", "..", "docs", name)
		if *rewrite {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("docs/%s is not what the tags say (%v): make gen", name, err)
		}
	}
	text := string(Document())
	for _, k := range Keys() {
		if n := strings.Count(text, "| `"+k.Path+"` |"); n != 1 && k.Path != "database.address" && k.Path != "logger.format" {
			t.Errorf("%s is in the document %d times", k.Path, n)
		}
	}
}

// TestSchema reads the schema as an editor would: every setting is in it, with its type and what it allows.
func TestSchema(t *testing.T) {
	var root map[string]any
	if err := json.Unmarshal(Schema(), &root); err != nil {
		t.Fatal(err)
	}
	for _, k := range Keys() {
		if k.Path == "config" {
			continue
		}
		at := root
		for _, name := range strings.Split(k.Path, ".") {
			if at["additionalProperties"] != false {
				t.Fatalf("above %s anything goes", k.Path)
			}
			next, ok := at["properties"].(map[string]any)[name].(map[string]any)
			if !ok {
				t.Fatalf("%s is not in the schema", k.Path)
			}
			at = next
		}
		if at["description"] != k.Doc {
			t.Errorf("%s is described as %v", k.Path, at["description"])
		}
		if p, ok := at["pattern"].(string); ok != (len(k.Enum) > 0) || (ok && !regexp.MustCompile(p).MatchString(strings.ToUpper(k.Enum[0]))) {
			t.Errorf("%s allows %v", k.Path, at["pattern"])
		}
	}
	port := root["properties"].(map[string]any)["socket"].(map[string]any)["properties"].(map[string]any)["port"].(map[string]any)
	if port["type"] != "integer" || port["maximum"] != 65535.0 || port["default"] != 7350.0 {
		t.Error(port)
	}
}

func TestExplain(t *testing.T) {
	f := func(topic string, want ...string) {
		t.Helper()
		var out bytes.Buffer
		if found := Explain(&out, topic); found != (len(want) > 0) {
			t.Errorf("%q: found %v", topic, found)
		}
		for _, w := range want {
			if !strings.Contains(out.String(), w) {
				t.Errorf("%q lacks %q:\n%s", topic, w, out.String())
			}
		}
	}
	f("", "--data_dir  (string, default data)")
	f("socket", "--socket.port  (integer, default 7350, 0 to 65535)", "environment: SKIRMISH_SOCKET_PORT")
	f("social", "--social.steam.app_id", "social.apple: Apple.")
	f("console.password", "--console.password  (string, made on the first start)")
	f("nothing")
	var out bytes.Buffer
	Overview(&out)
	if lines := strings.Count(out.String(), "\n"); lines < 20 || lines > 25 || !strings.Contains(out.String(), "  socket        The client API") {
		t.Error(out.String())
	}
}
