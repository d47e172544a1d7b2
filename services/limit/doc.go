// Package limit keeps one caller from using up what belongs to all: a rate per user and operation, and a rate per
// address where no user is known yet. Nothing is limited that comes from the host itself or from a private network,
// nor what server code and server-to-server keys do. docs/rate-limits.md is the published table; it is written from
// Rules and tested against it.
//
// The life of a call: node wraps every operation of the registry with Limiter.Wrap. The wrapper finds the caller's
// bucket, takes a token and goes on, or refuses with code 8 and the seconds to wait, without running the operation.
// Datagram handlers ask Addresses before they do any work.
//
// Any goroutine may call. Memory is constant: see Buckets.
package limit
