// Package nk is what server code calls: one Go method for each function of the module interface, over the same domain
// functions as the client doors. Go modules get a Module as it is; package bind gives Lua and JavaScript their names and
// arguments over it, and over the functions in crypto.go and http.go that Go has in its standard library.
package nk
