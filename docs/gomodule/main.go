// Command gomodule is the server of docs/scripting.md: Skirmish with a Go module linked in.
package main

import (
	"github.com/skirmishgg/skirmish/docs/gomodule/daily"
	"github.com/skirmishgg/skirmish/services/node"
)

func main() {
	node.Main(node.Options{Modules: []node.Module{daily.InitModule}})
}
