package native

import (
	"google.golang.org/protobuf/proto"

	"github.com/skirmishgg/skirmish/services/session"
)

// Push sends a message of our own under any number.
func Push(c session.Conn, number uint16, m proto.Message) { c.(*conn).push(number, m) }
