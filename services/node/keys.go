package node

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/skirmishgg/skirmish/netcode/token"
)

// keys are the server's secrets. They outlive the process, so that clients of a restarted server learn at once that
// their connections are gone, and a studio's own backend can go on minting tokens.
type keys struct {
	serverID [8]byte
	token    token.Key
	ticket   token.Key
	reset    [32]byte
}

const keysFile = "server.keys"

// loadKeys reads the data folder's keys, or makes them on the first run. An empty folder name makes keys that are
// forgotten with the process.
func loadKeys(dir string) (keys, error) {
	var k keys
	b := make([]byte, len(k.serverID)+len(k.token)+len(k.ticket)+len(k.reset))
	if _, err := rand.Read(b); err != nil {
		return k, err
	}
	if dir != "" {
		stored, err := storedKeys(dir, b)
		if err != nil {
			return k, err
		}
		b = stored
	}
	b = b[copy(k.serverID[:], b):]
	b = b[copy(k.token[:], b):]
	b = b[copy(k.ticket[:], b):]
	copy(k.reset[:], b)
	return k, nil
}

// storedKeys is the content of the keys file, which is made of fresh when there is none.
func storedKeys(dir string, fresh []byte) ([]byte, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	path := filepath.Join(dir, keysFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		b, err = fresh, writeWhole(path, fresh)
	}
	if err != nil {
		return nil, fmt.Errorf("server keys: %w", err)
	}
	if len(b) != len(fresh) {
		return nil, fmt.Errorf("server keys: %s has %d bytes, not %d: move it away to make new ones (connected clients must then join anew)", path, len(b), len(fresh))
	}
	return b, nil
}

// writeWhole makes a file that is either there with all of its content or not at all.
func writeWhole(path string, content []byte) error {
	part := path + ".new"
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(part, path)
}
