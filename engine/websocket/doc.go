// Package websocket keeps WebSocket connections (RFC 6455, server side) so that one that is idle costs no goroutine.
//
// net/http answers the upgrade request; Upgrade takes the TCP connection from it and enrolls it into a gnet event loop.
// The loop reads frames as they come, hands whole messages to the connection's Handler, and once a turn writes all that
// was queued for a connection with one system call.
//
//	             Upgrade
//	                │
//	                ▼      does not take what is written, or sends while its handler is busy
//	TLS ──▶ moving ───▶ onLoop ─────────────────────────────────────────────────▶ onThread
//	          │  ▲                                                                   │
//	          │  └───────────────── calm for a second (never TLS) ───────────────────┤
//	          └──────────────────────────────────────────────────────▶ gone ◀────────┘
//
// An event loop can neither stop reading one socket (gnet has no call for it) nor wait for one to take more (gnet would
// buffer without a bound). So a connection that needs either moves to goroutines of its own, where reading stops by not
// calling Read and a Write waits with a deadline, and moves back when it is calm. TLS connections, and all of them where
// gnet has no event loop (Windows), live on goroutines for good. The code above is the same.
//
// Queues: what waits for a client is at most Config.Queue messages once the client does not keep up; overflow ends the
// connection with a close frame. Input waits in the client's own TCP window.
//
// Sketch: a Conn is about 400 bytes, gnet's part about 350, its socket's kernel memory apart. A loop has one read buffer
// of 64 KB and one write buffer, shared by its connections.
package websocket
