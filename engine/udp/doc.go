// Package udp is the one public UDP port as a group of sockets: socket 0 for the control loop, sockets 1..N for the
// match shards, each used by one goroutine. Byte 1 of every datagram names the socket that receives it; a number
// that no socket has, or a datagram of one byte, goes to socket 0.
//
//	for {
//		s.Wait(deadline)           // or s.Sleep: packets then collect until the deadline
//		n, err := s.Recv(batch)    // everything that waits, in batches
//		... work ...
//		b := s.Buffer(); s.Queue(len, to)
//		s.Flush()                  // one system call for all of them
//	}
//
// Two drivers, chosen at run time, one behaviour, one test suite:
//
//	linux     raw non-blocking sockets in a SO_REUSEPORT group. A classic BPF program steers in the kernel, so that
//	          a player's packets arrive on the core that runs the match also after his NAT gave him a new port.
//	          recvmmsg and sendmmsg over arrays made at start. Go's netpoller never hears of these
//	          sockets: it would cost 2.3 µs of wake-ups a packet.
//	portable  one net.UDPConn; a goroutine reads it and hands datagrams to the sockets through rings.
//
// At start the linux driver sends itself one datagram for each steering byte; if one goes astray (a kernel or sandbox
// without reuseport steering), "auto" opens the portable driver instead and Note says why.
//
// Policies. A full receive queue drops the newest and counts it (RxDropped). A full send queue drops what is left of
// the batch and counts it (TxDropped): every protocol above repeats what matters, and a tick must not wait for a
// network card. Errors of single datagrams, such as an ICMP "port unreachable" from a player who left, are counted
// (TxErrors) and stop nothing.
package udp
