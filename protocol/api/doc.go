// Package api holds the messages that nakama-common's api and rtapi lack. They are written in skirmish.proto;
// `make gen` turns it into Go.
package api
