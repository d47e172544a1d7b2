// Package suite has modules in Lua (lua/) and JavaScript (js/) that call every function of nk and assert what comes of it:
// results, errors, and what is peculiar to the language. Its tests start a server with them on each store, call each area
// as an RPC, and see that no function was left out.
//
// An area is a file of that name in lua/area, and one in js: a function of t, which has the assertions, and of nk, which
// notes what is called. Where the two languages differ the same place of both files says so.
package suite
