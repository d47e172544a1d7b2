//go:build linked

package main

import (
	"github.com/skirmishgg/skirmish/services/runtime/goplug"
	"github.com/skirmishgg/skirmish/services/runtime/goplug/testdata/sample"
)

var linked = []goplug.Module{sample.InitModule}
