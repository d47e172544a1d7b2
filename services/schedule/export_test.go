package schedule

import "context"

// Load is Start without the loop: the test calls Settle instead.
func (s *Service) Load(ctx context.Context) error { return s.load(ctx) }

// Settle looks at the clock and returns when all that was due is done.
func (s *Service) Settle() {
	for {
		s.dispatch()
		s.running.Wait()
		s.mu.Lock()
		more := len(s.queue) > 0 && !s.stopped && !s.queue[0].due().After(s.c.Now())
		s.mu.Unlock()
		if !more {
			return
		}
	}
}
