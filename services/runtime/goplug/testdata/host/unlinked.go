//go:build !linked

package main

import "github.com/skirmishgg/skirmish/services/runtime/goplug"

var linked []goplug.Module
