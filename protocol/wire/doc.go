// Package wire is the UDP protocol as numbers: forms, frames, suites, reasons, sizes and timings.
//
// STANDARD.md beside it is the protocol byte by byte, for whoever writes another implementation; testdata/*.json are
// test vectors that every implementation must reproduce. They are written by the generators in netcode (`go test
// ./netcode/... -rewrite`) and checked here by a second reader that shares no code with netcode.
//
// Nothing here does anything: netcode turns these numbers into state machines, engine into sockets.
package wire
