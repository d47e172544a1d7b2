// Package socket is the WebSocket door: rtapi.Envelope in text frames (JSON) or binary frames (protobuf).
//
// The life of a session: ServeHTTP checks format and token, enters the session as live and upgrades; engine/websocket
// hands its messages over one by one; each becomes a call on the session's worker.Line, which decodes it, finds the
// operation of the envelope's field, runs it and sends the answer in the field of the answer's type. When the connection
// has ended, the call under way ends, what waits is dropped, and Config.Closed is told.
//
// At most 32 calls of a session wait; then its socket is not read until half of them are done.
package socket
