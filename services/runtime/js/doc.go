// Package js runs JavaScript and TypeScript modules, as services/runtime's Language.
//
//	program    what a load compiled: one script, made of the entry point and all that it imports
//	machine    an interpreter that has run the script, and knows the functions that InitModule registered
//	handler    a match: the seven functions of a registered object, on a machine of its own
//
// # From files to functions
//
// The entry point is runtime.js_entrypoint, or index.ts, index.js, main.ts or main.js in the folder of modules. A plain
// script runs as it is. One that is TypeScript, or imports something, goes through esbuild first, with what it imports
// from its folder and from node_modules; stack traces name its own files and lines all the same.
//
// InitModule runs once. What it registers may be any function: a global one, one of its own, an arrow, in a loop or in a
// helper. A machine made later runs the script again, and finds the global functions by their names. Only if others were
// registered as well, it runs InitModule again too: then nk and Math.random give what they gave the first time, and nothing
// is done twice.
//
// # Who shares what
//
// A machine serves one call at a time, and which one serves a call is arbitrary: globals are no place to keep things. With
// js_read_only_globals, the default, they are frozen. There are up to js_max_count machines, made when they are needed. A
// match has its own.
//
// # Limits
//
// A call is interrupted when it has computed for js_max_ms, not counting the time in functions of nk, or when its context
// ends; its machine is thrown away then. Depth of calls is limited. What objects hold is not limited but by the process's
// memory. Functions may be async, and what they return may be a Promise; there is nothing to wait for outside of the call,
// so one that does not settle is an error.
package js
