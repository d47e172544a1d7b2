# Skirmish: `make help` lists the targets.

SHELL := /bin/bash
GO    ?= go
BIN   := build/skirmish
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -X main.version=$(VERSION)

# Packages whose tests are compiled, not run, for the other platforms that LAN hosts use.
OTHER_OS := windows darwin

# Packages that write protocol/wire/testdata.
VECTORS := ./netcode/handshake ./netcode/peer ./netcode/snapshot ./netcode/input ./netcode/query ./services/gateway/native ./services/gateway/carry

.PHONY: help build run check tools test race sim fuzz bench gen

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

build: ## build build/skirmish
	@mkdir -p build
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/skirmish

run: build ## start the server and a live arena with 12 bots; prints the address of the page
	$(BIN) demo

check: ## gofmt, vet, staticcheck, import table, tick path, generated files, other platforms compile
	@bad=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); if [ -n "$$bad" ]; then echo "gofmt -w these files:"; echo "$$bad"; exit 1; fi
	$(GO) mod verify >/dev/null
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) test -count=1 ./cmd/archcheck
	@for os in $(OTHER_OS); do echo "vet and compile tests for $$os/amd64 (compiled, not run)"; \
		GOOS=$$os CGO_ENABLED=0 $(GO) vet ./... || exit 1; done
	GO=$(GO) $(GO) run ./cmd/gen -check
	@$(MAKE) --no-print-directory gen
	@if git rev-parse --git-dir >/dev/null 2>&1; then \
		git diff --exit-code --stat -- protocol/wire/testdata bench/testdata docs || { echo "generated files changed: commit what 'make gen' wrote"; exit 1; }; fi

gen: ## write the generated files anew: messages and codecs, wire vectors, bench traces
	GO=$(GO) $(GO) run ./cmd/gen
	$(GO) test -count=1 -run Vectors $(VECTORS) -rewrite
	$(GO) test -count=1 -run TraceFile ./bench/arena -rewrite
	$(GO) test -count=1 -run Documents ./services/config -rewrite

# What tests need beside Go, as Debian's packages: installed where that is possible, named where it is not.
tools:
	@need=""; \
	command -v cc >/dev/null || need="$$need gcc libc6-dev"; \
	command -v chromium >/dev/null || command -v google-chrome >/dev/null || need="$$need chromium"; \
	test -e /usr/include/enet/enet.h || need="$$need libenet-dev"; \
	command -v npm >/dev/null || need="$$need nodejs npm"; \
	command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || need="$$need postgresql"; \
	if [ -z "$$need" ]; then exit 0; fi; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
		echo "the tests need what is in these Debian packages: install them with  sudo apt-get install$$need"; exit 1; fi; \
	echo "installing$$need"; apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$need >/dev/null

# bench/ holds what needs the machine to itself: live matches, browsers, load generators.
test: tools ## every test; as root on Debian it installs what they need
	$(GO) test -timeout 12m $$($(GO) list ./... | grep -v '/skirmish/bench')
	$(GO) test -timeout 12m -p 1 ./bench/...

race: tools ## every test under the race detector
	$(GO) test -race -timeout 30m ./...

sim: ## long simulations; SEED=n repeats one, COUNT=n runs more seeds
	SKIRMISH_SIM_LONG=1 SKIRMISH_SEED=$(SEED) SKIRMISH_SIM_COUNT=$(COUNT) $(GO) test -count=1 -timeout 60m -run 'Sim|Soak' -v ./netcode/... ./engine/... ./bench/...

FUZZTIME ?= 20s
fuzz: ## every fuzz target for FUZZTIME (20s) each
	@for pkg in $$($(GO) list ./...); do \
		for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
			echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x $$pkg || exit 1; \
		done; done

bench: tools build ## every benchmark row; writes bench/results/latest.json
	$(BIN) bench
