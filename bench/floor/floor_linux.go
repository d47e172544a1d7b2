package floor

import (
	"runtime"
	"time"

	"github.com/skirmishgg/skirmish/bench/mmsg"
	"github.com/skirmishgg/skirmish/bench/pace"
	"github.com/skirmishgg/skirmish/bench/proc"
)

// batchSize is as large as the engine's, so that both pay the same number of system calls.
const batchSize = 64

// Hello is the child's first line.
type Hello struct {
	Addr string `json:"addr"`
}

// Serve answers at rate ticks a second with out bytes a datagram until the console closes.
// It answers "mark" with a proc.Mark whose Ops are the datagrams sent.
func Serve(con *proc.Console, rate, out int) error {
	runtime.LockOSThread()
	conn, err := mmsg.Listen()
	if err != nil {
		return err
	}
	defer conn.Close()
	con.Say(Hello{Addr: conn.LocalAddr().String()})

	rx, tx := mmsg.NewBatch(batchSize), mmsg.NewBatch(batchSize)
	for i := range batchSize {
		tx.SetLen(i, out)
	}
	clock, period := pace.New(), time.Second/time.Duration(rate)
	sent := uint64(0)
	for deadline := period; ; deadline += period {
		clock.SleepUntil(deadline)
		command, ok := con.Poll()
		if !ok {
			return nil
		}
		if command != "" {
			con.Say(proc.Now(sent))
		}
		for {
			n, err := conn.Recv(rx)
			if err != nil {
				return err
			}
			for i := range n {
				tx.ReplyTo(i, rx, i)
			}
			if _, err := conn.Send(tx, n); err != nil {
				return err
			}
			sent += uint64(n)
			if n < batchSize {
				break
			}
		}
	}
}
