package goplug

import (
	"runtime/debug"
	"slices"
	"testing"
)

func TestDifferencesNameWhatDoesNotMatch(t *testing.T) {
	server := &debug.BuildInfo{
		GoVersion: "go1.26.5",
		Deps: []*debug.Module{
			{Path: "google.golang.org/protobuf", Version: "v1.36.12"}, {Path: "github.com/heroiclabs/nakama-common", Version: "v1.47.0"},
		},
		Settings: []debug.BuildSetting{{Key: "-race", Value: "true"}, {Key: "GOARCH", Value: "amd64"}, {Key: "vcs", Value: "git"}},
	}
	plugin := &debug.BuildInfo{
		GoVersion: "go1.26.4",
		Deps: []*debug.Module{
			{Path: "google.golang.org/protobuf", Version: "v1.36.11"}, {Path: "example.com/own", Version: "v1"},
			{Path: "github.com/heroiclabs/nakama-common", Version: "v1.47.0", Replace: &debug.Module{Path: "../fork"}},
		},
		Settings: []debug.BuildSetting{{Key: "GOARCH", Value: "amd64"}},
	}
	want := []string{
		"Go is go1.26.4, not go1.26.5", `-race is "", not "true"`, "module google.golang.org/protobuf is v1.36.11, not v1.36.12",
		"module github.com/heroiclabs/nakama-common is ../fork, not v1.47.0",
	}
	if got := differences(plugin, server); !slices.Equal(got, want) {
		t.Errorf("%q, want\n%q", got, want)
	}
	if got := differences(server, server); len(got) != 0 {
		t.Errorf("it differs from itself: %q", got)
	}
}
