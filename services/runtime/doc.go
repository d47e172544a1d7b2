// Package runtime is server scripting: what a studio's modules registered, and how the server calls it.
//
// # The life of it
//
//	New ── Load ──▶ Set ──▶ one op.Hook an operation, rpc's functions, Set's fields
//	        ▲         │
//	     Reload ◀─────┘   a save (Watch), or a command: a new Set is built beside the old one and swapped in whole; if
//	                      anything fails the old one stays, and the error says why
//
// A Set is immutable. Calls under way finish with the Set they began with, and so do running matches: a match.Handler is
// made by the Set of its time and keeps what it needs. Nothing waits for anything when a Set is replaced.
//
// Server code is called by whatever goroutine serves the request, so by many at once. A panic in it is caught here: it is
// logged with its stack, the caller is told of an internal error, process and connection stay.
//
// # How a language plugs in
//
// Implement Language, in a package of its own below this one, and give it to New in Config.Languages; their order is
// their precedence, and where two languages register the same thing, the earlier has it. At each (re)load the runtime
// calls Load with
//
//   - Host: what all modules share: nk, db, the logger, the settings, env. Constant.
//   - files: those in runtime.path whose extension the language named, in lexical order of their names.
//   - Builder: where everything that the modules register goes. Good until Load returns.
//
// Load fails with an error that names file and line; what it registered until then is thrown away, as are the Sets of
// other languages of the same load. Load must not change anything that an earlier Load returned.
//
// What is registered are Go functions over plain types: protobuf messages, strings, errors. A language wraps its own
// functions into them; each takes a context that has the values server code knows, by the names of runtime.RUNTIME_CTX_*
// (Values lists those present). What such a function must do:
//
//   - It may be called from many goroutines at once, and must give up when its context ends.
//   - It fails with an error. *Thrown and nakama's *runtime.Error say what clients are told; any other error is told as
//     Internal with its own text. See failure.go.
//   - Before hooks get a message of their own, which they may change and return; nil switches the operation off. Messages
//     without fields (GetAccount and the like) come as *emptypb.Empty, and what the hook returns for one is ignored.
//   - Hooks of realtime messages get the whole *rtapi.Envelope. One that cannot be made from what the script returned is
//     ErrBeforeEnvelope.
//   - After hooks get out nil when the operation answers nothing. They must not change what they get.
//   - A match handler is a match.Handler; Builder.Match takes what makes one. Contexts of its calls lack env, node,
//     version and mode: Host.MatchContext adds them.
//
// goplug is the smallest example.
package runtime
