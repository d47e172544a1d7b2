// Package proxy is a bad link for real sockets: a UDP proxy in user space, between any client and any server.
//
//	client --> [ listen | up: simnet.Model   | own socket for each client ] --> target
//	client <-- [        | down: simnet.Model |                            ] <-- target
//
// Each client gets a socket of its own towards the target, so that the target sees as many addresses as there are
// clients. Rebind replaces those sockets: what a NAT does that has lost its mappings.
//
// The models are those of the simulator, seeded per client, but real time makes real runs differ. Line-ups cost
// about 0.1 ms a direction on top of the configured delay.
package proxy
