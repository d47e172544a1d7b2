//go:build !linux

package loop

import (
	"errors"

	"github.com/skirmishgg/skirmish/engine/udp"
)

// gnetLoop is not used here: socket 0 is read by the portable loop.
type gnetLoop struct{}

func (p *Port) openGnet(udp.Config) error       { return errors.ErrUnsupported }
func (g *gnetLoop) wake()                       {}
func (g *gnetLoop) close(group udp.Group) error { return group.Close() }
