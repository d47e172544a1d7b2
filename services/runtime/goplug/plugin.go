//go:build cgo && (linux || darwin || freebsd)

package goplug

import (
	"fmt"
	"plugin"
)

// open makes a plugin part of the process and finds its module.
func open(path string) (Module, error) {
	p, err := plugin.Open(path)
	if err != nil {
		return nil, explain(path, err)
	}
	symbol, err := p.Lookup("InitModule")
	if err != nil {
		return nil, fmt.Errorf("it has no function InitModule: %w", err)
	}
	m, ok := symbol.(Module)
	if !ok {
		return nil, fmt.Errorf("InitModule is a %T, not a %T", symbol, Module(nil))
	}
	return m, nil
}
