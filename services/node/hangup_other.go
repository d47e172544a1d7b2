//go:build !unix

package node

// watchHangUps never answers: there is no SIGHUP.
func watchHangUps() (<-chan struct{}, func()) { return nil, func() {} }
