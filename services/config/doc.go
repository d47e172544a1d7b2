// Package config is the server's configuration: one tree of structs whose tags say each setting's key, default, bounds
// and meaning. Everything else is read from those tags: YAML files, flags, environment, validation, `config print`, the
// JSON Schema, the help and docs/configuration.md.
//
//	default < secrets.yaml < files, in order < environment < flags          later wins, key by key
//
//	args ── Split ── flags ┐
//	os.Environ() ──────────┼─ Load ── Config, warnings, Problems (all of them at once)
//	--config files ────────┘
//
// The keys, types and defaults are Nakama 3.40's, so that its files and start scripts work; what differs is listed in
// docs/configuration.md. Settings of features that do not exist yet are read and checked all the same.
//
// Load belongs to whoever owns the process. A Config is read-only afterwards and may then be read by any goroutine.
package config
