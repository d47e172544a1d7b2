package runtime

import (
	"context"
	"time"
)

// watchEvery is how often Watch looks at the files. A save is loaded once it was seen twice alike, so after 300 to 600 ms:
// editors write files in parts.
const watchEvery = 300 * time.Millisecond

// Watch reloads the modules when their files change, until ctx ends. It looks at them now and then, which works on every
// file system and takes a fraction of a millisecond for the dozens of files that modules are.
func (r *Runtime) Watch(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	w := watcher{runtime: r}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			w.look(ctx)
		}
	}
}

// watcher belongs to the goroutine of Watch.
type watcher struct {
	runtime *Runtime
	last    stamp
}

// look loads files that have changed since the newest load, and not since the last look.
func (w *watcher) look(ctx context.Context) {
	r := w.runtime
	now := stampOf(r.c.Host.Root)
	settled := now == w.last
	w.last = now
	r.loading.Lock()
	loaded := r.stamp
	r.loading.Unlock()
	if now == 0 || !settled || now == loaded {
		return
	}
	if err := r.Load(ctx); err != nil {
		r.c.Host.Log.Error("Modules not loaded, the ones before go on", "error", err)
	}
}
