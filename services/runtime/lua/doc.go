// Package lua runs Lua 5.1 modules, as services/runtime's Language.
//
//	program    what a load compiled: the code of every file, and the host
//	machine    an interpreter that has run the modules: globals, and the functions that they registered
//	turn       who of a machine's calls runs; a machine's globals are never touched by two goroutines at once
//	handler    a match: a module's seven functions, on a machine of its own
//
// # Who shares what
//
// Modules expect that what they keep in globals and upvalues is seen by every later call. With lua_read_only_globals, the
// default, all calls therefore run on one machine, each on a thread of its own that holds the turn while it executes Lua,
// gives it up while it waits in a function of nk, and lets others have it every so many instructions. Without it there are
// up to lua_max_count machines that share nothing; a call has one for itself. A match always has its own.
//
// # Limits
//
// A call is ended after lua_max_instructions, or when its context ends: Lua asks its context before each instruction, and
// budget counts. Functions of the standard library that could run long within one instruction refuse what is too large
// (libs.go). Depth of calls and size of the stack are lua_call_stack_size and lua_registry_size. What tables hold is not
// limited but by the process's memory.
package lua
