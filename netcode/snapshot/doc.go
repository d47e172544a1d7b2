// Package snapshot sends the state of a match: each tick, to each viewer, what changed since what that viewer holds.
//
// A Schema is made once from tagged Go structs: kinds of entities, an input, events. Entities are numbered: each kind
// has a fixed range of ids, so a set of entities is a bitset and an entity's place in memory follows from its id.
//
//	server, once a match     World   Begin(tick) ── Capture, Capture … ── End()
//	server, once a viewer    Viewer  Encode(dst, Request{Acked: newest snapshot the client decoded})
//	client                   Decoder Decode(tick, baselineDelta, body) ── View ── Load(view, id, &player)
//
// Capture turns an entity into whole numbers of steps and writes the rounded values back into the struct, so that
// server and client compute on from the same state. The World keeps 64 ticks of them.
//
// A snapshot refers to a baseline, an earlier snapshot that the client said it decoded. What the snapshot does not
// mention did not change; what changed is coded against a prediction from the baseline (position + time * velocity),
// so that only surprises cost bits. The codes follow the game: the World counts which fields surprise together and by
// how much, and now and then makes a new Model of it, which travels in the snapshots until one is acknowledged.
//
// The bits of an entity depend only on (entity, baseline tick, tick); the World keeps them, and to encode for one more
// viewer is to copy them. When a snapshot would outgrow its budget, entities are deferred by priority: they are named
// as late, and keep the tick of which the client holds them.
//
// Sketch, 16 players of 13 fields: Capture 16 x 50 ns; bits 16 x 80 ns for each baseline in use; Encode 16 x 5 ns a
// viewer; 30 B a snapshot. Memory: World 64 ticks x 4 B a field of every entity; Viewer 64 x (1 B an entity + 4 B a
// kind + bitsets). Nothing is allocated between Begin and Encode.
//
// World and its Viewers belong to one goroutine, a Decoder and its Views to one. A Schema is read-only and shared.
// The bytes are in protocol/wire/STANDARD.md, section Snapshots.
package snapshot
