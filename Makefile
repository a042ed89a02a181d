# make help lists what there is.

GO     ?= go
CADDY  := v2.11.9
BENCH  ?= .
FUZZ   ?= 30s
# The tools are a module of their own, so that they are no dependencies of this one.
TOOL   := $(GO) tool -modfile=tools/go.mod
MODULE := github.com/sse-bridge/caddy-sse-bridge

.DEFAULT_GOAL := help
.PHONY: help demo screenshots build test soak lint format bench fuzz xcaddy clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## run a chat as it is polled and as it is streamed, with buttons to break it, on http://localhost:8080 (or PORT=…)
	@echo 'Building Caddy with the module (a few minutes the first time) …'
	@mkdir -p bin
	@$(GO) build -o bin/ ./cmd/caddy ./examples/demo ./examples/demo/backend
	@bin/demo examples/demo

screenshots: ## make the pictures in docs/screenshots anew, with Chromium
	$(GO) test -count=1 -run Screenshots ./examples/demo -args -screenshots=$(CURDIR)/docs/screenshots

build: ## build bin/caddy, a Caddy with this module
	$(GO) build -o bin/caddy ./cmd/caddy

test: ## run all tests, with the race detector
	$(GO) test -race -timeout 30m ./...
	@# The race detector keeps memory of its own, so what reading an answer takes is measured without; and
	@# with a collector that stops what it measures, however busy the machine is.
	GODEBUG=gcstoptheworld=1 $(GO) test -run 'Takes|Memory|HoweverLarge' . ./internal/heap ./internal/page ./internal/value

lint: ## check the code
	$(TOOL) golangci-lint run

format: ## format the code
	$(TOOL) golangci-lint fmt

soak: ## run the long tests in full
	SOAK=1 $(GO) test -race -timeout 45m ./...

bench: ## run the benchmarks (BENCH=regexp)
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./...

fuzz: ## run each fuzz target for 30 s (FUZZ=duration)
	@failed=0; packages=$$($(GO) list ./...) || exit 1; \
	for package in $$packages; do \
		targets=$$($(GO) test -list '^Fuzz' "$$package") || { echo "$$targets"; exit 1; }; \
		for target in $$(echo "$$targets" | grep '^Fuzz'); do \
			echo "== $$package $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZ) "$$package" || failed=1; \
		done; \
	done; \
	exit $$failed

xcaddy: ## build bin/caddy with xcaddy, as users of the module do
	$(TOOL) xcaddy build $(CADDY) --with $(MODULE)@v0.0.0=. --output bin/caddy

clean: ## delete what was built
	rm -rf bin
