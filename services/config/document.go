package config

import (
	"fmt"
	"strings"
)

const documentHead = `<!-- Written by "make gen" from the tags in services/config/config.go. Do not edit. -->

# Configuration

Every setting has one name, such as ` + "`socket.port`" + `, and may be given in four places. A later one wins:

| place | form |
|---|---|
| default | the tables below |
| YAML files | ` + "`skirmish --config a.yml --config b.yml`" + `, or ` + "`SKIRMISH_CONFIG=a.yml,b.yml`" + `; later files win |
| environment | ` + "`SKIRMISH_SOCKET_PORT=7350`" + `; with ` + "`_FILE`" + ` at the end, the name of a file that holds the value. An empty variable counts as not set |
| flags | ` + "`--socket.port=7350` or `--socket.port 7350`" + `; one dash will do, and a boolean alone is true |

    socket:
      port: 7350
    runtime:
      env:
        - "GREETING=hello"

A list is repeated as a flag. As a variable it has one element a line, or commas where no element can have one (addresses, ids, headers), or it is a JSON array.
Later lists replace earlier ones, except ` + "`runtime.env`" + `: its entries are merged by name.

| command | |
|---|---|
| ` + "`skirmish config print`" + ` | what is in force, and where each value comes from; ` + "`--changed`" + ` leaves the defaults out, ` + "`--json`" + ` is for programs. Secrets are masked |
| ` + "`skirmish config validate`" + ` | everything that is wrong, and what is unwise |
| ` + "`skirmish config help socket`" + ` | the tables below, on the terminal |
| ` + "`skirmish config schema`" + ` | the JSON Schema, also in [configuration.schema.json](configuration.schema.json). Editors use it with ` + "`# yaml-language-server: $schema=…`" + ` as the file's first line |

## Secrets

Settings marked *made on the first start* are secrets. Those that nobody gives are made when a server first starts, and kept in ` + "`secrets.yaml`" + ` in the data
folder, which only its owner may read. A terminal shows the console's password once, on the start that made it. Nodes that share a database must share
these secrets: give the same ones to each.

The values that Nakama publishes as its defaults are refused when the server listens on more than loopback. ` + "`socket.server_key`" + ` is no secret, since
every client has it: it stays ` + "`defaultkey`" + ` unless set.

## Coming from Nakama

Nakama 3.40's configuration files and start scripts work as they are. What differs:

| | Nakama | Skirmish |
|---|---|---|
| ` + "`database.address`" + ` | ` + "`root@localhost:26257`" + ` unless given | the embedded store unless given |
| secrets | published defaults | made on the first start |
| ` + "`logger.format`" + ` | ` + "`json`" + ` | ` + "`auto`" + `: text on a terminal, otherwise ` + "`json`" + ` |
| ` + "`migrate down`" + ` | reverts everything unless limited | wants ` + "`--limit`" + ` and a yes |
| environment | not read | read |
| what does not exist | | refused, with the nearest that does |

## Settings
`

// Document is docs/configuration.md.
func Document() []byte {
	var b strings.Builder
	b.WriteString(documentHead)
	for _, s := range sections {
		title := "`" + s.Path + "`"
		if s.Path == "" {
			title = "The server"
		}
		fmt.Fprintf(&b, "\n### %s\n\n%s\n\n| setting | type | default | |\n|---|---|---|---|\n", title, s.Doc)
		for _, k := range s.Keys {
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", k.Path, k.Kind, documentDefault(k), strings.ReplaceAll(documentMeaning(k), "|", "\\|"))
		}
	}
	return []byte(b.String())
}

func documentDefault(k *Key) string {
	switch {
	case k.Generate > 0:
		return "*made on the first start*"
	case len(k.Default) == 0 || k.Default[0] == "":
		return ""
	}
	return "`" + strings.Join(k.Default, " ") + "`"
}

func documentMeaning(k *Key) string {
	text := k.Doc
	if len(k.Enum) > 0 {
		text += " One of `" + strings.Join(k.Enum, "`, `") + "`."
	}
	if b := k.bounds(); b != "" && (k.Min != 0 || !strings.HasPrefix(b, "≥")) {
		text += " " + b + "."
	}
	if k.Deprecated {
		text = "Deprecated. " + text
	}
	return text
}
