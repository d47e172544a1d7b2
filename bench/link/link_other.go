//go:build !linux

package link

import (
	"runtime"

	"github.com/skirmishgg/skirmish/netcode/simnet"
)

// Link exists on Linux only.
type Link struct{}

// Open always refuses here.
func Open(Config) (*Link, error) {
	return nil, &MissingError{Needs: "Linux (network namespaces and TUN devices), not " + runtime.GOOS}
}

// The methods have no Link to be called on.

func (*Link) Near(func() error) error         { return nil }
func (*Link) Far(func() error) error          { return nil }
func (*Link) SetLinks(_, _ simnet.LinkConfig) {}
func (*Link) Stats() Stats                    { return Stats{} }
func (*Link) Close() error                    { return nil }
