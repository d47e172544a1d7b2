package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// bufferBytes is what the sockets ask for: some 20,000 datagrams.
const bufferBytes = 8 << 20

// udpBuffer looks at the most that the kernel gives a socket which may not go beyond the limit.
func udpBuffer() finding {
	f := finding{what: "UDP buffers", saw: "unknown"}
	text, err := os.ReadFile("/proc/sys/net/core/rmem_max")
	if err != nil {
		return f
	}
	most, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return f
	}
	f.saw = fmt.Sprintf("up to %d KB", most>>10)
	if most >= bufferBytes {
		return f
	}
	if fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err == nil {
		defer unix.Close(fd)
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, bufferBytes) == nil {
			f.saw = fmt.Sprintf("%d KB, by privilege", bufferBytes>>10)
			return f
		}
	}
	f.advice = fmt.Sprintf("bursts are lost when a buffer is full: sysctl -w net.core.rmem_max=%d net.core.wmem_max=%d", bufferBytes, bufferBytes)
	return f
}

func openFilesMax() (uint64, bool) {
	var limit unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit)
	return limit.Max, err == nil // Go raises the soft limit to the hard one
}
