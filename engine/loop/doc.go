// Package loop is everything on the UDP port that is not tick-shaped: socket 0, steering byte 0.
//
//	REQUEST, RESPONSE      handshake: stateless until a RESPONSE opens; then to the shard of its match
//	FF FF FF FF, FF..FE    server queries and LAN discovery
//	data, RESUME           of a shard that this server has not got (a restart with fewer): reset, DENY(gone)
//	else                   dropped, counted
//
// Control decides; it has no socket. Port has the sockets and the goroutine: on Linux one gnet event loop that, once
// woken, drains its socket with recvmmsg (gnet's own path allocates five objects a datagram), elsewhere a goroutine over
// engine/udp. Bind order: gnet's socket first, then the shards' beside it.
//
// Directory is what the control loop, the node and its doors know of running matches: which shard has which.
package loop
