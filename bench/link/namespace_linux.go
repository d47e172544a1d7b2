package link

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

const device = "skirmish0"

// namespace is a network namespace without a name, held by its descriptor, with one TUN device in it.
type namespace struct {
	handle *os.File
	tun    *os.File
}

// newNamespace makes one.
func newNamespace(addr netip.Addr) (n *namespace, err error) {
	onOwnThread(func() { n, err = unshare(addr) })
	return n, err
}

// onOwnThread runs f on a thread that may leave the host's network for good: it ends with f.
func onOwnThread(f func()) {
	done := make(chan struct{})
	go func() { // ends with f; the line below waits
		defer close(done)
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			onOwnThread(f) // the main thread cannot end, and /proc/self speaks of it; held here, it is not taken again
			runtime.UnlockOSThread()
			return
		}
		f() // and no unlock: the runtime then ends the thread with the goroutine
	}()
	<-done
}

func unshare(addr netip.Addr) (*namespace, error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return nil, missing("CAP_SYS_ADMIN, to make network namespaces", err)
	}
	handle, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return nil, fmt.Errorf("bench link: %w", err)
	}
	// Before any device is up, so that the namespace sends no neighbour discovery into the link. A kernel without
	// IPv6 has no such file.
	for _, which := range []string{"all", "default"} {
		_ = os.WriteFile("/proc/sys/net/ipv6/conf/"+which+"/disable_ipv6", []byte("1"), 0)
	}
	tun, err := openTUN()
	if err != nil {
		handle.Close()
		return nil, err
	}
	n := &namespace{handle, tun}
	if err := configure(addr); err != nil {
		n.close()
		return nil, err
	}
	return n, nil
}

// openTUN makes the device. It goes to the netpoller only once it is attached: before, it polls as broken.
func openTUN() (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, missing("the TUN driver and access to /dev/net/tun", err)
	}
	request, err := unix.NewIfreq(device)
	if err != nil {
		return nil, err
	}
	request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI) // no virtual header, hence no segmentation offload: packets as on a wire
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		unix.Close(fd)
		return nil, missing("CAP_NET_ADMIN, to make TUN devices", err)
	}
	return os.NewFile(uintptr(fd), "/dev/net/tun"), nil
}

// configure gives the device its address and brings it and the loopback up.
func configure(addr netip.Addr) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("bench link: %w", err)
	}
	defer unix.Close(fd)
	set := func(name, what string, request uint, fill func(*unix.Ifreq) error) error {
		r, err := unix.NewIfreq(name)
		if err == nil {
			err = fill(r)
		}
		if err == nil {
			err = unix.IoctlIfreq(fd, request, r)
		}
		if err != nil {
			return missing("CAP_NET_ADMIN, to set the "+what+" of "+name, err)
		}
		return nil
	}
	ip4 := func(a [4]byte) func(*unix.Ifreq) error {
		return func(r *unix.Ifreq) error { return r.SetInet4Addr(a[:]) }
	}
	up := func(r *unix.Ifreq) error { r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING); return nil }
	for _, step := range []error{
		set(device, "address", unix.SIOCSIFADDR, ip4(addr.As4())),
		set(device, "netmask", unix.SIOCSIFNETMASK, ip4([4]byte{255, 255, 255, 0})),
		set(device, "MTU", unix.SIOCSIFMTU, func(r *unix.Ifreq) error { r.SetUint32(MTU); return nil }),
		set(device, "state", unix.SIOCSIFFLAGS, up),
		set("lo", "state", unix.SIOCSIFFLAGS, up),
	} {
		if step != nil {
			return step
		}
	}
	return nil
}

// run executes f inside.
func (n *namespace) run(f func() error) (err error) {
	onOwnThread(func() {
		if err = unix.Setns(int(n.handle.Fd()), unix.CLONE_NEWNET); err != nil {
			err = missing("CAP_SYS_ADMIN, to enter network namespaces", err)
			return
		}
		err = f()
	})
	return err
}

func (n *namespace) close() error { return errors.Join(n.tun.Close(), n.handle.Close()) }

// missing is a *MissingError when the system refused for want of a right or a device.
func missing(needs string, err error) error {
	for _, refusal := range []error{unix.EPERM, unix.EACCES, unix.ENOENT, unix.ENODEV, unix.ENXIO, unix.ENOSYS, unix.EINVAL, unix.ENOSPC} {
		if errors.Is(err, refusal) {
			return &MissingError{Needs: needs, Err: err}
		}
	}
	return fmt.Errorf("bench link: %s: %w", needs, err)
}
