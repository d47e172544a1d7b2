//go:build !linux

package clock

func raisePriority() Priority { return PriorityNone }
