package pgtest

import (
	"os/exec"
	"runtime"
	"syscall"
)

// startBound starts a process that ends with this one, also when this one is killed: an orphaned server would keep its
// port, its folder and every descriptor it inherited. The kernel watches the thread that started it, so that thread stays.
func startBound(cmd *exec.Cmd) error {
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	started := make(chan error)
	go func() { // ends with the process
		runtime.LockOSThread()
		started <- cmd.Start()
		select {}
	}()
	return <-started
}
