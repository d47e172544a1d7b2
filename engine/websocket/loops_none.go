//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package websocket

import "net"

// loops are not to be had here: every connection lives on goroutines.
type loops struct{}

type place struct{}

func (place) pend(*Conn) {}

func openLoops(*Server, int) (*loops, error)  { return nil, nil }
func (*loops) close()                         {}
func (s *Server) canEnroll(net.Conn) bool     { return false }
func (s *Server) enroll(*Conn, net.Conn) bool { return false }
