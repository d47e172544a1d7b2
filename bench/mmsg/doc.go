// Package mmsg is the ruler's own socket layer: raw non-blocking UDP sockets read with recvmmsg and written with sendmmsg.
//
// The load generator and the kernel floor use it. It is apart from engine/udp on purpose: what is measured must
// not be made of what measures it, and the generator needs what a game server does not: kernel receive timestamps, and
// many client addresses on one socket. A system call costs 0.2 µs on bare metal and was seen to cost 1.7 µs in a
// virtual machine; with a socket a client, two of them a tick would keep the generator busier than the server.
// So a Many socket speaks from any address of 127/8, chosen for each datagram, and is told to which one an answer
// went: to the server these are as many clients as there are addresses.
//
// One goroutine owns a Conn. IPv4 loopback and Linux only; elsewhere the package is empty and the rows that need it
// say so.
package mmsg
