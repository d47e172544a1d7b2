// Package skirmish is the Go client: it joins matches over UDP with prediction, interpolation and events, and calls the
// server's operations over UDP.
//
//	game := skirmish.Game{
//		Schema:   schema,
//		Input:    skirmish.Fill(func(c *skirmish.Conn, tick uint32, in *Input) { *in = controls() }),
//		Snapshot: func(c *skirmish.Conn, v *snapshot.View) { draw(v) },
//	}
//	client, err := skirmish.Connect(ctx, tokenText, game)
//
// Two layers, as in the SDK of every other language:
//
//	conn.go tick.go     Conn: the whole protocol as a state machine (datagrams and time in, datagrams out, callbacks for
//	                    what arrived); it knows no socket and no clock
//	own.go frame.go     on top of it, by types of the game: Own predicts what the player controls, Frame is the moment
//	event.go            of everybody else's past that is on the screen, Send and Read are events
//	client.go           Client: a Conn on a Transport and a goroutine; opens another socket when its network is gone
//	session.go          Session: a Client without a match, whose stream carries calls, answers and pushes
//	api.go find.go      API: the REST door, for what comes before a connection; find.go and matchmake.go find a match
//	matchmake.go
//
// An engine with its own frame loop and sockets uses Conn alone; simulations run hundreds of them on a simulated link.
package skirmish
