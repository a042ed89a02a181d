# make help lists the targets.

GO     ?= go
CADDY  := v2.11.9
BENCH  ?= .
FUZZ   ?= 30s
MODULE := github.com/sse-bridge/caddy-sse-bridge
# The packages of all modules in go.work.
ALL    := $$($(GO) list -m -f '{{.Dir}}/...')
# The tools are a module of their own, outside the workspace, so that no other module depends on them.
TOOL   := GOWORK=off $(GO) tool -modfile=$(CURDIR)/tools/go.mod

.DEFAULT_GOAL := help
.PHONY: help demo cluster screenshots build test test-packages test-sites golden docs soak vet lint format bench fuzz xcaddy clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## run the demo: a chat that is polled, and the same chat as a stream, on http://localhost:8080 (or PORT=…)
	@echo 'Building Caddy with the module (a few minutes the first time) …'
	@mkdir -p bin
	@$(GO) build -o bin/ ./cmd/caddy ./examples/demo ./examples/demo/backend
	@bin/demo examples/demo

cluster: ## run a cluster: three nodes behind a load balancer, one of which polls for all, on http://localhost:8080 (or PORT=…)
	@echo 'Building Caddy with the module and NATS (a few minutes the first time) …'
	@mkdir -p bin
	@$(GO) build -o bin/ ./cmd/caddy ./examples/demo/cluster ./examples/demo/backend
	@bin/cluster examples/demo

screenshots: ## take the pictures in docs/screenshots, with Chromium
	$(GO) test -count=1 -p 1 -run Screenshots ./examples/demo ./examples/demo/cluster -args -screenshots=$(CURDIR)/docs/screenshots

build: ## build bin/caddy, a Caddy with this module
	$(GO) build -o bin/caddy ./cmd/caddy

# The sites write logs: what failed is said again at the end.
test: SHELL := bash
test: ## run all tests, with the race detector
	@mkdir -p bin
	@set -o pipefail; $(MAKE) --no-print-directory -k -j1 test-packages test-sites 2>&1 | tee bin/test.log || { \
		echo; echo '== What failed, of bin/test.log:'; \
		awk '/^ *(--- FAIL|=== FAIL|FAIL|ERROR|panic:|fatal error:|WARNING: DATA RACE)/ { left = 30 } \
			/^[^ \t]/ && !/^(---|=== FAIL|FAIL|ERROR|panic:|fatal error:|WARNING)/ { left = 0 } \
			left-- > 0 { print substr($$0, 1, 400) }' bin/test.log; exit 1; }

# These compute. The tests of sites, which have time limits, come after them.
test-packages:
	$(GO) test -race -timeout 30m ./...
	@# The race detector uses memory of its own, so the memory for an answer is measured without it. The
	@# garbage collector stops the world, so that the figures do not depend on how busy the machine is.
	GODEBUG=gcstoptheworld=1 $(GO) test -run 'Takes|Memory|HoweverLarge' ./internal/bridge ./internal/cluster ./internal/jq ./internal/page ./internal/upstream
	@# So are most scripts of the model of nodes that share polls.
	$(GO) test -run 'OfSharingNodes' ./internal/feed

# Real clients and servers have time limits of their own, which a busy machine may break. A test that fails is run once more, when
# the others are over, and what it said the first time is printed in any case. A data race, a panic or goroutines that are left end the run.
RERUN := --format standard-quiet --rerun-fails=1 --rerun-fails-run-root-test --rerun-fails-abort-on-data-race
# The cache does not watch the files of other modules. The second run has streams that their handlers write: no connection is taken over.
test-sites:
	@status=0; gotestsum=$$($(TOOL) -n gotestsum) || exit 1; \
	"$$gotestsum" $(RERUN) --packages='./test/servers ./test/e2e ./test/... ./examples/demo/... ./nats/... ./redis/...' -- -race -count=1 -p 2 -timeout 40m || status=1; \
	STREAMS=handlers "$$gotestsum" $(RERUN) --packages=./test/e2e -- -race -count=1 -timeout 30m || status=1; \
	exit $$status

golden: ## rewrite the golden files from the code
	$(GO) test -count=1 -run 'Adapt|Mistakes|Fingerprint|TestTry(PrintsAStreamAsItComes)?$$' ./test/adapt ./internal/cli -args -update

docs: ## rewrite docs/reference.md, docs/upstreams.md and the tables of the documents, from the code and the recipes
	$(GO) test -count=1 -run Document ./internal/config ./internal/admin ./test/docs ./test/recipes -args -update

soak: ## run all tests, the long ones at full length
	SOAK=1 $(GO) test -race -timeout 45m $(ALL)

vet: ## run gofmt and go vet
	@unformatted=$$(git ls-files -z '*.go' | xargs -0r gofmt -l); \
	if [ -n "$$unformatted" ]; then echo "gofmt would change:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet $(ALL)

lint: ## check the code with golangci-lint
	@for module in $$($(GO) list -m -f '{{.Dir}}'); do (cd $$module && echo "== $$module" && $(TOOL) golangci-lint run) || exit 1; done

format: ## format the code
	@for module in $$($(GO) list -m -f '{{.Dir}}'); do (cd $$module && $(TOOL) golangci-lint fmt) || exit 1; done

bench: ## run the benchmarks (BENCH=regexp)
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem $(ALL)

# Go reports the end of the time as an error where the last input is late. A real one comes with the input that fails.
fuzz: ## run each fuzz target for 30 s (FUZZ=duration), two at a time
	@packages=$$($(GO) list $(ALL)) || exit 1; \
	for package in $$packages; do \
		targets=$$($(GO) test -list '^Fuzz' "$$package") || { echo "$$targets" >&2; exit 1; }; \
		echo "$$targets" | sed -n "s|^Fuzz.*|$$package &|p"; \
	done | xargs -P 2 -n 2 sh -c 'out=$$(GOMAXPROCS=1 $(GO) test -run "^$$" -fuzz "^$$1\$$" -fuzztime $(FUZZ) "$$0" 2>&1) && echo "ok $$0 $$1" && exit; \
		case "$$out" in *"Failing input"*) ;; *"context deadline exceeded"*) echo "ok $$0 $$1, whose last input came after the time"; exit;; esac; \
		echo "$$0 $$1: $$out"; exit 1'

xcaddy: ## build bin/caddy with xcaddy, like users of the module and of its engines
	$(TOOL) xcaddy build $(CADDY) --with $(MODULE)@v0.0.0=. --with $(MODULE)/nats@v0.0.0=./nats --with $(MODULE)/redis@v0.0.0=./redis --output bin/caddy

clean: ## delete bin, with all that was built
	rm -rf bin
