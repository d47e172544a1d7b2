//go:build other

package shared

// Rounds is not the same in every version.
const Rounds = 2
