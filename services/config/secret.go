package config

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
)

const secretsHeader = `# Secrets that the server made when it first started and nobody had given them. Keep this file, and keep it to yourself:
# without it, sessions end and second factors are lost. A value given in a file, flag or variable wins over the one here.
`

// SecretsFile is where generated secrets are kept.
func (c *Config) SecretsFile() string { return filepath.Join(c.DataDir, "secrets.yaml") }

// readSecrets reads the generated secrets; there may be none yet.
func readSecrets(path string) ([]given, Problems) {
	text, err := ReadPrivate(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) { // the latter: check says that data_dir is a file
		return nil, nil
	}
	from := Source{Kind: FromSecrets, Name: path}
	if err != nil {
		return nil, Problems{{Text: err.Error(), From: from}}
	}
	all, ps := readYAML(path, FromSecrets, text)
	for _, g := range all {
		if g.key.Generate == 0 {
			ps.problemf(g.from, g.key.Path, "is no generated secret: it belongs in a file that --config names")
		}
	}
	return all, ps
}

// generate makes the secrets that nobody gave, and keeps them. The file on the disk comes first: a server must not sign
// with a key that the next start does not find.
func (c *Config) generate() error {
	var b strings.Builder
	values := map[string]string{}
	for _, k := range keys {
		if k.Generate > 0 && !c.Given(k.Path) {
			values[k.Path] = randomText(k.Generate)
			c.Generated = append(c.Generated, k.Path)
			fmt.Fprintf(&b, "%s: %q\n", k.Path, values[k.Path])
		}
	}
	if len(values) == 0 {
		return nil
	}
	if err := appendPrivate(c.SecretsFile(), b.String()); err != nil {
		return fmt.Errorf("keep the generated secrets: %w. Make data_dir writable, or give %s yourself", err, strings.Join(c.Generated, ", "))
	}
	for path, value := range values {
		k := byPath[path]
		c.origin[path] = Source{Kind: FromSecrets, Name: c.SecretsFile()}
		if err := c.set(k, []string{value}); err != nil {
			return err
		}
	}
	return nil
}

// appendPrivate adds lines to the file of secrets.
func appendPrivate(path, lines string) error {
	text, err := ReadPrivate(path)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = []byte(secretsHeader), nil
	}
	if err != nil {
		return err
	}
	if len(text) > 0 && text[len(text)-1] != '\n' {
		text = append(text, '\n')
	}
	return WritePrivate(path, append(text, lines...))
}

// letters are those that nobody mistakes for another when reading a password from a screen.
const letters = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// randomText is n letters: 5.8 bits each.
func randomText(n int) string {
	text := make([]byte, 0, n)
	var buf [64]byte
	for len(text) < n {
		_, _ = rand.Read(buf[:]) // never fails
		for _, b := range buf {
			if b &= 63; int(b) < len(letters) && len(text) < n { // no modulus: every letter is equally likely
				text = append(text, letters[b])
			}
		}
	}
	return string(text)
}

// refuseUnsafe refuses the secrets that Nakama publishes where others can reach the server. The server key is in every
// client anyway, and a username is no secret.
func (c *Config) refuseUnsafe() Problems {
	open := map[string]bool{ // by section: who is beyond this machine
		"session": !Loopback(c.Socket.Address) || !Loopback(c.UDP.Address),
		"runtime": !Loopback(c.Socket.Address),
		"console": !Loopback(c.Console.Address),
		"mfa":     !Loopback(c.Console.Address),
	}
	var found []string
	for _, k := range keys {
		if k.Secret && k.Published != "" && open[k.Section()] && c.field(k).String() == k.Published {
			found = append(found, fmt.Sprintf("%s (%v)", k.Path, c.origin[k.Path]))
		}
	}
	if len(found) == 0 {
		return nil
	}
	return Problems{{
		Text: "everybody knows these secrets, since Nakama publishes them as its defaults, and the server listens on more than this machine: " + strings.Join(found, ", "),
		Advice: "Leave them out: the server makes its own on the first start and keeps them in " + c.SecretsFile() +
			". Or set your own. Or listen on this machine only: socket.address and console.address 127.0.0.1",
	}}
}
