package websocket

// Where a connection lives, for tests that want to see it move.
func (c *Conn) OnThread() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.home == onThread
}

func (c *Conn) OnLoop() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.home == onLoop
}
