// Package log writes the server's log: a slog handler with Nakama's keys, for people on a terminal and as JSON elsewhere.
//
//	json         {"level":"info","ts":"2026-03-01T12:00:00.000Z","caller":"node/node.go:120","msg":"Startup done","node":"nakama"}
//	stackdriver  {"severity":"INFO","time":"…","caller":"…","message":"Startup done","node":"nakama"}
//	text         12:00:00.000 INFO  Startup done   node=nakama
//
// Whoever owns the process opens the log first and closes it last; the logger is for any goroutine.
package log
