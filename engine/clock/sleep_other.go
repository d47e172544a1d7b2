//go:build !linux

package clock

import "time"

// sleepUntil uses Go's timers: half a millisecond on Windows and macOS, which is what LAN hosts there get.
func sleepUntil(t time.Duration) {
	for now := time.Since(origin); now < t; now = time.Since(origin) {
		time.Sleep(t - now)
	}
}
