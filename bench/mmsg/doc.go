// Package mmsg is the ruler's own socket layer: raw non-blocking UDP sockets read with recvmmsg and written with sendmmsg.
//
// The load generator and the kernel floor use it. It is apart from engine/udp on purpose: what is measured must
// not be made of what measures it, and the generator needs kernel receive timestamps, which a game server does not.
// One goroutine owns a Conn. Linux only; elsewhere the package is empty and the rows that need it say so.
package mmsg
