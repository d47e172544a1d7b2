// Package skirmish is the Go client: it joins matches over UDP with prediction, interpolation and events.
//
//	game := skirmish.Game{
//		Schema:   schema,
//		Input:    skirmish.Fill(func(c *skirmish.Conn, tick uint32, in *Input) { *in = controls() }),
//		Snapshot: func(c *skirmish.Conn, v *snapshot.View) { draw(v) },
//	}
//	client, err := skirmish.Connect(ctx, tokenText, game)
//
// Two layers, as in the SDK of every other language: Conn is the whole protocol as a state machine (datagrams and time
// in, datagrams out, callbacks for what arrived) and knows no socket; Client runs a Conn on a UDP socket and a goroutine.
// An engine with its own frame loop and sockets uses Conn alone; simulations run hundreds of them on a simulated link.
//
// Predictor, interpolation and the like are netcode/predict and netcode/interp; the arena's bots show how they fit.
package skirmish
