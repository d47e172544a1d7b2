//go:build race

package flat

func init() { raceEnabled = true }
