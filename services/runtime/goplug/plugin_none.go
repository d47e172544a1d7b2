//go:build !cgo || !(linux || darwin || freebsd)

package goplug

import "errors"

// open refuses: Go has plugins on Linux, macOS and FreeBSD, in programs built with cgo.
func open(string) (Module, error) {
	return nil, errors.New("this build of the server cannot load plugins. Link the module in (docs/scripting.md), or build the server with CGO_ENABLED=1 for Linux")
}
