//go:build !other

// Package shared is part of both the host and the plugin.
package shared

// Rounds is not the same in every version.
const Rounds = 1
