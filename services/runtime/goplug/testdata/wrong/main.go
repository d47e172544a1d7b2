// A plugin whose InitModule is of the wrong type.
package main

import "context"

// InitModule lacks most of its parameters.
func InitModule(context.Context) error { return nil }
