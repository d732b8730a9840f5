# The steps themselves, and the versions of the tools, are in .ci/run.
.PHONY: help quick test race browser screenshots bench ratio soak soak-jetstream lint fmt examples ci

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

quick: ## Test the main module
	go test ./...

test: ## Test all modules
	go test work

race: ## Test all modules at full size, under the race detector, in random order
	TROUPE_FULL=1 go test -race -shuffle=on work

browser: ## Test the dashboard in a headless Chromium
	.ci/run browser

screenshots: ## Take the pictures of the dashboard in docs/
	cd dashboard/browser && go test -run '^TestScreenshots' -screenshots ../../docs -v .

bench: ## Measure Troupe against its peers (12 min); writes docs/benchmarks.md
	cd benchmarks && go run .

ratio: ## Measure Troupe against a bare channel and Proto.Actor's own router
	go test -run '^$$' -bench Ratio ./actors

soak: ## Do a million tasks with all faults on, under the race detector
	go test -race -run '^TestSoak$$' -timeout 60m -v ./internal/soak -soak 1000000

soak-jetstream: ## Kill workers, servers and submitters during 100,000 tasks each, under the race detector
	cd jetstream && go test -race -run '^Test(ProcessesThatAreKilled|AServerThatIsKilled|WhatAProcessStored|AStoreWhoseMaker)' -soak 100000 -timeout 60m -v .

lint: ## Run golangci-lint
	.ci/run lint

fmt: ## Format the code
	.ci/run tools
	bin/gofumpt -w .
	@go list -m -f '{{.Dir}}' | while read -r dir; do \
		(cd "$$dir" && go mod tidy) || exit; \
	done

examples: ## Run every example that ends by itself
	@for dir in examples/*/; do \
		case "$$dir" in examples/checksum/|examples/dashboard/|examples/webservice/) continue;; esac; \
		if [ -f "$$dir/main.go" ]; then \
			echo "==> go run ./$$dir"; go run "./$$dir" || exit; \
		fi; \
	done
	go run ./examples/checksum examples

ci: ## Run all that a change must pass
	.ci/run
