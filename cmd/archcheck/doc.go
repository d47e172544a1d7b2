// Package archcheck holds the architecture as tests: which folder may import which (imports.txt),
// and which calls have no place between a datagram and a snapshot (tickpath.txt).
// `make check` runs it; there is nothing to import.
package archcheck
