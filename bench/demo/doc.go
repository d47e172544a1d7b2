// Package demo is `skirmish demo`: a server with a live arena match, twelve bots in it, and a page that shows it.
//
//	bots ──┐ encrypted UDP, loopback                       ┌── GET /        the page: plain HTML, CSS and JavaScript
//	       ├────────────────> server ───> spectator ──> Page ── GET /events  server-sent events: scene, frames, figures
//	you ───┘                  (services/node)  (a client)
//
// Bots are clients like any other: they sign in over REST, ask for a connect token, and play.
//
// Nothing in the page comes from inside the server except its figures: what it draws is what one more client, a
// spectator, has decoded. The page listens on loopback only and answers nobody who is not there, nor a browser that came
// through another site or another name (DNS rebinding).
//
// Run is the whole of it. Page can be driven without a server, as the tests do.
package demo
