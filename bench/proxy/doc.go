// Package proxy is a bad link for real sockets: a UDP proxy in user space, between any client and any server.
//
//	client --> [ listen | up: simnet.Model   | own socket for each client ] --> target
//	client <-- [        | down: simnet.Model |                            ] <-- target
//
// Each client gets a socket of its own towards the target, so that the target sees as many addresses as there are
// clients. Rebind replaces those sockets: what a NAT does that has lost its mappings.
//
// The models are those of the simulator, seeded per client, but real time makes real runs differ. Each direction adds
// 0.1 to 0.3 ms of sockets and threads to the configured delay; Stats.Line says how late deliveries were.
package proxy
