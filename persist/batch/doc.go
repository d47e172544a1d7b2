// Package batch is what both drivers share of a group commit: the overlay that a write function sees, and the lane
// that runs everything which waited while the last commit was in flight.
//
//	Write → queue ──take all──▶ load hints ─▶ each function on a layer of its own ─▶ flush ─▶ commit ─▶ AfterCommit, answer
//	          ▲                                   fails: the layer is dropped alone                        │
//	          └────────────────────────────── arrivals wait, no timer ─────────────────────────────────────┘
package batch
