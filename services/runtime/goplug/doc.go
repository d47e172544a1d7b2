// Package goplug runs modules written in Go against nakama-common/runtime: functions that are linked into the server, and
// plugins (.so) in runtime.path. It is a runtime.Language.
//
// A module is a function of type Module, by convention named InitModule. It runs once in the life of the process, as Go
// code cannot be taken out of it again: a reload keeps what modules registered, and runs plugins that are new. A plugin
// whose file has changed needs a restart, which the log says.
//
// Linked in is the way without a version dance: a main of ten lines, see docs/scripting.md. A plugin must be built with
// the server's Go, flags, and versions of every module they share; when it is not, the error names each difference.
package goplug
