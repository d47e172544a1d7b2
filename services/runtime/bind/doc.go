// Package bind gives scripts their functions. One table says for each function its name, its parameters and its results
// as words, and how it is run over nk.Module; Lua and JavaScript, whose packages know nothing of single functions, read
// the table.
//
//	fn("friends_list", "user_id:uuid limit:int=100 state:int? cursor:string=", "friends cursor", friendsList)
//
// # Parameters
//
//	words    = word { " " word }
//	word     = name ":" type [ "?" | "=" default ]     without either it must be given
//	type     = string | text (not empty) | uuid | int | number | bool | object | strings | uuids | tags (string to
//	           string) | bytes | func | list (of objects) | any; strings! and uuids! refuse Lua's {}
//
// A name is what argument errors call the parameter. JavaScript has the same words in camelCase, unless the line goes on
// with what is different there.
//
// # Values
//
// A VM gives arguments as plain Go values and takes results as such:
//
//	nil bool float64 int64 string []any map[string]any    what scripts write down
//	Bytes                                                  a string in Lua, an ArrayBuffer in JavaScript
//	*Object                                                a table or object whose keys are words: snake_case for Lua,
//	                                                       camelCase for JavaScript
//	Func                                                   a function of the script, from a VM only
//
// More than one result are several values in Lua, and one object with those keys in JavaScript.
package bind
