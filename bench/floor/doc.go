// Package floor is the least a server can do for a client's tick: the bare kernel's cost that every row is compared to.
//
// At each deadline it reads what waits with recvmmsg and answers every datagram with one of a fixed size by
// sendmmsg. No protocol, no encryption, no state. Linux only.
package floor
