package node

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/services/config"
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
	text, err := config.ReadPrivate(path)
	if errors.Is(err, fs.ErrNotExist) {
		_, _ = rand.Read(into)
		return config.WritePrivate(path, []byte(hex.EncodeToString(into)+"\n"))
	}
	if err != nil {
		return err
	}
	b, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(b) != len(into) {
		return fmt.Errorf("%s is not %d bytes in hexadecimal", path, len(into))
	}
	copy(into, b)
	return nil
}
