// Package presence knows which sessions are in which streams: chat channels, matches, parties, statuses and a studio's
// own. Whoever comes or goes is told to the members, in one order for all of them.
//
// The life of a presence: a feature Tracks a session in a stream; every member, the newcomer included, gets the event;
// the feature Sends messages to the stream; Untrack or the end of the session takes it out, and the rest get the event.
//
// A stream lives in one of many shards by its hash; an event or message is queued to its members under the lock of that
// shard only, which is what gives it its place in their order. Queueing never blocks: see session.Conn.
package presence
