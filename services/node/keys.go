package node

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/skirmishgg/skirmish/netcode/token"
)

// Keys are a server's secrets. They outlive the process, so that tokens and tickets stay good over a restart and clients
// of the crashed process believe its resets.
type Keys struct {
	ServerID [8]byte   // no secret: which server, or group of servers with one token key, a connect token is for
	Token    token.Key // whoever has it can vouch for players: share it with the studio's backend, and nobody else
	Ticket   token.Key
	Reset    [32]byte
}

// LoadKeys reads the keys in dir/keys, and makes those that are not there: one file each, hexadecimal, readable by the
// owner only. dir "" makes keys that die with the process.
// Errors: a file that others can read, or that is no key.
func LoadKeys(dir string) (k Keys, err error) {
	for _, f := range []struct {
		name string
		into []byte
	}{{"server-id", k.ServerID[:]}, {"token", k.Token[:]}, {"ticket", k.Ticket[:]}, {"reset", k.Reset[:]}} {
		if dir == "" {
			_, _ = rand.Read(f.into) // never fails
			continue
		}
		if err := loadKey(filepath.Join(dir, "keys", f.name), f.into); err != nil {
			return Keys{}, fmt.Errorf("node: key %s: %w", f.name, err)
		}
	}
	return k, nil
}

func loadKey(path string, into []byte) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		_, _ = rand.Read(into)
		return writeKey(path, into)
	}
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("others can read %s: chmod 600 it, and consider it known", path)
	}
	b, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(b) != len(into) {
		return fmt.Errorf("%s is not %d bytes in hexadecimal", path, len(into))
	}
	copy(into, b)
	return nil
}

// writeKey leaves either no file or a whole one.
func writeKey(path string, key []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(hex.EncodeToString(key) + "\n")
	if e := f.Sync(); err == nil {
		err = e
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
