package goplug

import (
	"crypto/rand"
	"sync"

	nakama "github.com/heroiclabs/nakama-common/runtime"
)

// callbacks are what a fleet manager calls when an instance that was asked for is there, or will never be. Each is called
// once. How many wait is up to the fleet manager, who ends each, if need be with a timeout.
type callbacks struct {
	mu      sync.Mutex
	waiting map[string]nakama.FmCreateCallbackFn
}

func newCallbacks() *callbacks { return &callbacks{waiting: map[string]nakama.FmCreateCallbackFn{}} }

func (c *callbacks) GenerateCallbackId() string { return rand.Text() }

func (c *callbacks) SetCallback(callbackID string, f nakama.FmCreateCallbackFn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting[callbackID] = f
}

func (c *callbacks) InvokeCallback(callbackID string, status nakama.FmCreateStatus, instance *nakama.InstanceInfo, sessions []*nakama.SessionInfo, metadata map[string]any, err error) {
	c.mu.Lock()
	f := c.waiting[callbackID]
	delete(c.waiting, callbackID)
	c.mu.Unlock()
	if f != nil {
		f(status, instance, sessions, metadata, err)
	}
}
