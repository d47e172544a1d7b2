// Package sim is the whole engine in one goroutine: control loop, shards, matches and clients on a simulated network and a
// clock that only moves when told. The same seed gives the same run, byte for byte, at a thousand times the speed of a
// real one.
//
//	s := sim.New(sim.Config{Seed: seed, Definitions: []*match.Definition{&arena.Match}})
//	id := s.StartMatch("arena", 1, nil)
//	c := s.Connect(sim.ClientConfig{Match: id, Link: bad})
//	s.Run(10 * time.Second)
//
// What is real: loop.Control, shard.Shard, match.Match, everything of netcode. What is not: sockets and threads. Streams
// (KCP) read the wall clock; a test that uses them runs inside testing/synctest and moves that along with Config.OnStep.
//
// Client is a plain client without prediction: it connects, steers its ticks, sends inputs, decodes snapshots. The
// client that games use is sdk-gen/base/go.
package sim
