//go:build unix

package node

import (
	"os"
	"os/signal"
	"syscall"
)

// watchHangUps answers each SIGHUP that asks for a reload. One that came because the terminal has gone, on which the server
// was started, is SIGTERM instead: nobody wants a server that goes on where he cannot see it. With nohup it goes on.
func watchHangUps() (<-chan struct{}, func()) {
	leaves := !signal.Ignored(syscall.SIGHUP) && onTerminal()
	signals, reloads, over := make(chan os.Signal, 1), make(chan struct{}), make(chan struct{})
	signal.Notify(signals, syscall.SIGHUP)
	go func() { // ended by the function that is answered
		for {
			select {
			case <-over:
				return
			case <-signals:
			}
			if leaves && !onTerminal() {
				_ = syscall.Kill(syscall.Getpid(), syscall.SIGTERM)
				continue
			}
			select {
			case reloads <- struct{}{}:
			case <-over:
				return
			}
		}
	}()
	return reloads, func() { signal.Stop(signals); close(over) }
}

// onTerminal says whether the process has a terminal, wherever its output goes.
func onTerminal() bool {
	f, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	_ = f.Close() // it was only looked at
	return true
}
