//go:build !unix

package bunt

import (
	"fmt"
	"os"
	"path/filepath"
)

// lockDir makes a file that cannot be removed while it is open, so a second server fails to remove and make it.
func lockDir(dir string) (unlock func() error, err error) {
	path := filepath.Join(dir, "lock")
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("data folder %s is in use by another server: stop it or choose another data_dir", dir)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	return f.Close, nil
}
