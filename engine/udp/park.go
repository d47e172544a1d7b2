package udp

// The owner's state, for Wake to know whether it must end a sleep (which costs a system call) or need not.
//
//	            Wait (long)                 Wake: ends the sleep
//	running ------------------> parked ---------------------------> notified
//	   ^  \                        | deadline or datagram              |
//	   |   \ Wake                  v                                   |
//	   |    `---> notified      running <------------------------------'
//	   `-------------'   next long Wait returns at once
//
// A waker pushes, then swaps in notified. The owner swaps in parked only from running. Whichever swap comes second
// sees the other, so no push is slept over.
const (
	running int32 = iota
	notified
	parked
	parkedForPackets // portable driver: the reader, too, must end the sleep
)
