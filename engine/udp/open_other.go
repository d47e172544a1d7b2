//go:build !linux

package udp

import (
	"errors"
	"fmt"
	"runtime"
)

// openLinux exists for Open's sake; the error makes "auto" take the portable driver.
func openLinux(Config) (Group, error) {
	return nil, fmt.Errorf("udp: the linux driver on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}
