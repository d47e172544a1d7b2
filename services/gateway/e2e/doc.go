// Package e2e has only tests: the built binary on each store, and real clients against it. What a client may observe is
// written down here as what it observes.
package e2e
