# What a person runs here. `make` alone lists it.
# What was fetched and built. Make reads a path with a space as two, so this one is
# relative; where a program runs in another folder, it is $(HERE), in quotes.
CACHE := .cache
HERE = $(CURDIR)/$(CACHE)
# Vonage's own SDKs, which the simulated platform is tried with.
SDK := pkg/vonage/vonagetest/testdata/sdk
# The Standard Webhooks specification's library for Node.
PEERS := pkg/hooks/testdata/peers
# axe-core, which judges pages in the browser's tests.
AXE := pkg/browsertest/testdata
# Seconds of each fuzz target, and of each benchmark.
FUZZ_SECONDS ?= 10
# How many histories are told.
HISTORIES ?= 10000
# How far small worlds are walked.
BOUNDS ?= most
BENCH_SECONDS ?= 1
# The release before this one.
FROM ?= 8fc7af0
# What the image runs on: amd64 or arm64.
IMAGE_ARCH ?= $(shell go env GOARCH)
SOURCES = $(shell find . -name '*.go' -not -path './.*' -not -path '*/node_modules/*')

.PHONY: help run test verify upgrade explore histories punctuality bench fuzz lint format vulnerabilities image fetch clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | expand -t 16

run: ## everything in one process on http://127.0.0.1:5000
	go run .

test: ## all tests that need only Go
	go vet ./... ./testdata/bare ./testdata/standins
	go test ./...

# One pass over all tests, those with the tag "verify" and the race detector
# included. They find what fetch has put under .cache, which USHER_VERIFY names,
# and fail without it. What properties draw is the same each time here; `make test` draws anew.
verify: fetch lint sam-validate template-check ## everything: also DynamoDB Local, an AWS emulator, the SAM CLI, a fuzzer of the API and a browser
	RAPID_SEED=1 USHER_VERIFY="$(HERE)" go test -race -tags verify -timeout 30m ./...
	@if git cat-file -e "$(FROM)^{tree}" 2>/dev/null; then $(MAKE) --no-print-directory upgrade; else \
		echo "NOT RUN: upgrade, for $(FROM) is not in the history of this clone; only what it stored was tried (TestStoredBefore)"; fi
	$(MAKE) --no-print-directory explore BOUNDS=many
	$(MAKE) --no-print-directory punctuality histories fuzz FUZZ_SECONDS=3 SEED=1 HISTORIES=2000

upgrade: $(CACHE)/ddblocal/fetched ## begin lessons under the release FROM and end them under this one, and back
	rm -rf $(CACHE)/previous && mkdir -p $(CACHE)/previous/source
	git archive "$(FROM)" | tar -x -C $(CACHE)/previous/source
	cd $(CACHE)/previous/source && go build -o ../usher .
	USHER_VERIFY="$(HERE)" USHER_PREVIOUS="$(HERE)/previous/usher" go test -count=1 -tags verify,upgrade -v -run '^TestUpgrade$$' ./pkg/local

# Without the race detector: one goroutine walks, and it would walk a tenth as far.
explore: ## every history of small worlds, within the BOUNDS: few, many or most
	GOGC=400 go test -count=1 -timeout 60m -v -run '^TestEveryHistory$$' ./pkg/lesson/exploration -bounds $(BOUNDS)

# With a SEED the same are drawn each time, as verify wants them; without one they
# are others each time.
histories: ## random histories, HISTORIES of them
	go test -count=1 -timeout 15m -run '^TestHistories$$' ./pkg/doorkeeper -rapid.checks=$(HISTORIES) $(if $(SEED),-rapid.seed=$(SEED))

punctuality: ## how late lessons end in the cloud, by a model of its services, and what one costs
	go test -count=1 -v -run '^(TestDeadlines|TestFullHour|TestFullHours|TestBrokenHour|TestBill)$$' ./pkg/app ./bench

# Those against DynamoDB Local are among them where fetch has put it.
bench: punctuality ## all benchmarks; first how punctual deadlines are, and what a lesson costs
	@uptime
	go test $(if $(wildcard $(CACHE)/ddblocal/fetched),-tags verify) -run '^$$' -bench . -benchmem -benchtime $(BENCH_SECONDS)s ./...

fuzz: ## each fuzz target for FUZZ_SECONDS
	@grep -Eo '^func Fuzz[A-Za-z0-9_]+' $(SOURCES) | sed 's/:func /:/' | while IFS=: read -r file target; do \
		echo "$$target ($$(dirname $$file))"; \
		go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZ_SECONDS)s -fuzzminimizetime 1x ./$$(dirname $$file) || exit 1; \
	done

lint: $(CACHE)/bin/golangci-lint ## what the compiler does not see
	go vet -tags verify,upgrade ./... ./testdata/bare ./testdata/standins
	$(CACHE)/bin/golangci-lint run --allow-parallel-runners ./...
	@unformatted=$$($(CACHE)/bin/gofumpt -l $(SOURCES)); \
	[ -z "$$unformatted" ] || { echo "make format would change:"; echo "$$unformatted"; exit 1; }

format: $(CACHE)/bin/golangci-lint ## write the files as lint wants them
	$(CACHE)/bin/gofumpt -w $(SOURCES)

vulnerabilities: ## known vulnerabilities of what is linked; needs the network
	go run golang.org/x/vuln/cmd/govulncheck@latest ./...

fetch: sam-tools $(CACHE)/ddblocal/fetched $(SDK)/node_modules/.package-lock.json $(PEERS)/node_modules/.package-lock.json $(AXE)/node_modules/.package-lock.json ## what verify needs beside Go, Java, Maven, Python, Node, PHP and a browser
	@command -v chromium >/dev/null || { echo "chromium is missing: apt-get install chromium fonts-liberation"; exit 1; }
	testdata/venv.sh $(CACHE)/ms ministack==1.5.33 aws-sam-translator==1.115.0 awscli
	testdata/venv.sh $(CACHE)/schemathesis schemathesis==4.32.5
	testdata/venv.sh $(CACHE)/standardwebhooks standardwebhooks==1.1.0

# The same commit gives the same binary and the same layer, wherever it is built.
image: ## a container image of the program, usher:VERSION, for IMAGE_ARCH; needs Docker and GNU tar
	rm -rf .cache/image && mkdir -p .cache/image/data && cp deploy/Dockerfile .cache/image
	GOOS=linux GOARCH=$(IMAGE_ARCH) CGO_ENABLED=0 go build -trimpath -buildvcs=false \
		-ldflags '-s -w -buildid= -X usher/pkg/version.set=$(VERSION)' -o .cache/image/usher .
	tar -C .cache/image --mtime=@0 --owner=65532 --group=65532 --numeric-owner --mode=u=rwX,go=rX -cf .cache/image/image.tar usher data
	docker build --platform linux/$(IMAGE_ARCH) -t usher:$(VERSION) .cache/image

clean: ## remove what was built and fetched
	rm -rf $(CACHE) .aws-sam bin

$(CACHE)/bin/golangci-lint: tools.mod tools.sum
	go build -modfile=tools.mod -o $(CACHE)/bin/ github.com/golangci/golangci-lint/v2/cmd/golangci-lint mvdan.cc/gofumpt
	touch $@

$(CACHE)/ddblocal/fetched: testdata/ddblocal/pom.xml
	mvn -q -B -f $< dependency:copy-dependencies -DoutputDirectory="$(HERE)/ddblocal" -DincludeScope=runtime
	touch $@

$(SDK)/node_modules/.package-lock.json $(PEERS)/node_modules/.package-lock.json $(AXE)/node_modules/.package-lock.json: %/node_modules/.package-lock.json: %/package-lock.json
	npm ci --prefix $* --no-audit --no-fund --loglevel=error
	touch $@

-include cloud.mk
