package config

import (
	"bytes"
	"testing"
)

// FuzzLoader gives a file, an argument list and a variable of any content to the readers: they set or refuse, and what a
// configuration prints can be read again.
func FuzzLoader(f *testing.F) {
	for _, text := range []string{
		"name: a\nsocket:\n  port: 7350\n", "runtime: {env: [A=1, B=2]}", "a: &a [*a]", "x: &x {<<: *x}", "console:\n  <<: [{port: 1}, {port: 2}]\n",
		"socket.port: 0x10", "socket: {port: ~}", "- a", "%YAML 1.1\n---\n!!str name: b", "name: \"\\u0000\"", "database: {address: ['u:p@h/d']}", "? [a]\n: b",
		"udp: {public_addresses: ['[::1]:1', 'a:b:c', '']}",
	} {
		f.Add(text, "--socket.port", "1")
	}
	f.Add("", "--udp.public_addresses=[\"a\"]", "[\"x\"]")
	f.Fuzz(func(t *testing.T, text, one, two string) {
		all, _ := readYAML("fuzz", FromFile, []byte(text))
		fl, _ := Split([]string{one, two})
		env, _, _ := readEnv([]string{"SKIRMISH_NAME=" + one, "SKIRMISH_UDP_PUBLIC_ADDRESSES=" + two, "SKIRMISH_SOCKET_PORT=" + one})
		c := &Config{origin: map[string]Source{}}
		for _, k := range keys {
			if err := c.set(k, k.Default); err != nil {
				t.Fatal(k.Path, err)
			}
		}
		c.apply(all)
		c.apply(env)
		c.apply(fl.given)
		c.derive()
		c.check()
		c.PublicAddresses()
		var out bytes.Buffer
		if err := c.Print(&out, true); err != nil {
			t.Fatal(err)
		}
		if again, ps := readYAML("print", FromFile, out.Bytes()); len(ps) > 0 || len(again) < 100 {
			t.Fatalf("what is printed is not read: %d settings, %v\n%s", len(again), ps, out.Bytes())
		}
	})
}
