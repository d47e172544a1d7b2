// Package shard runs matches: one goroutine, locked to its thread, with one socket, many matches and their connections.
//
//	drain      recvmmsg: everything that waits           ┐
//	receive    peer.Receive: open, acks, channels        │ one Step, one flush;
//	             └─ input.Ring, mail, what was seen      │ from the datagram that brought an input
//	tick       match.Tick: inputs, the game, capture     │ to the snapshot that shows it there is
//	send       peer.Begin … match.Snapshot … peer.Finish │ no other goroutine, lock or queue
//	flush      sendmmsg                                  ┘
//
// Between Steps the shard sleeps to an absolute deadline: the next match's tick, or the next transport service, at
// most 10 ms away while there are peers. Matches keep deadlines of their own, spread over the tick; those due within
// 0.5 ms share a Step.
//
// Everything else reaches a shard through its inbox: joins from the control loop, new matches from the node. What the
// shard has to say leaves through its reports and atomics. Whoever pushes wakes.
//
// A match that cannot keep its rate catches up by a few ticks a Step; beyond that time is given up, for all to see in
// Stats, and when that does not help the costliest match is ended with CloseOverrun, for the others' sake.
package shard
