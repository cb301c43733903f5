# The cloud side.
FUNCTIONS := Webhook Rooms Expire Tasks Sweep
SAM := SAM_CLI_TELEMETRY=0 .cache/sam/bin/sam
# The profile of samconfig.toml: a stack of its own, with saved answers of its own.
PROFILE ?= dev
ANSWERS := samconfig.$(PROFILE).toml
# GOARCH is what the saved answers say, else arm64. ARCHITECTURE is the template's word for it.
SAVED := $(shell sed -n 's/.*Architecture=[^a-z]*\([a-z0-9_]*\).*/\1/p' $(ANSWERS) 2>/dev/null | head -n 1)
GOARCH ?= $(if $(filter x86_64,$(SAVED)),amd64,arm64)
ARCHITECTURE = $(if $(filter amd64,$(GOARCH)),x86_64,arm64)
OTHER = $(filter-out $(ARCHITECTURE),arm64 x86_64)
# Wrong answers are saved as well: with them the same command would fail for ever.
ASK_AGAIN = echo "Where an answer was wrong: make sam-configure$(if $(filter-out dev,$(PROFILE)), PROFILE=$(PROFILE)) asks again."; exit 1
# What is not there would become a stack of the SAM CLI's own name, sam-app.
KNOWN = grep -qF '[$(PROFILE).deploy.parameters]' samconfig.toml || { echo 'PROFILE is "$(PROFILE)": samconfig.toml has no such profile. Take dev or prod.'; exit 1; }
DEPLOY = $(SAM) deploy --config-file $(ANSWERS) --config-env $(PROFILE)
# What healthz says, and an image is called: the commit, so that the same source has the
# same version anywhere.
VERSION ?= $(or $(shell git describe --tags --always --dirty 2>/dev/null),dev)

.PHONY: sam-tools sam-validate template-check sam-build sam-deploy sam-configure stand-ins rehearse $(FUNCTIONS:%=build-%Function)

sam-tools: ## install the SAM CLI under .cache
	@testdata/venv.sh .cache/sam aws-sam-cli==1.170.0 cfn-lint==1.58.0 aws-sam-translator==1.115.0

sam-validate: sam-tools ## check the template, as written and as expanded
	$(SAM) validate --lint --region eu-central-1
	.cache/sam/bin/python testdata/sam/expand.py template.yaml .cache/expanded.json
	.cache/sam/bin/cfn-lint --ignore-checks W2001 W7001 --regions eu-central-1 --template .cache/expanded.json

# With what only some stacks have: CodeDeploy moves the callbacks.
template-check: sam-tools ## hold the template to checkov and an IAM linter, but for what is accepted with a reason
	@testdata/venv.sh .cache/checkov checkov==3.3.30
	@testdata/venv.sh .cache/parliament parliament==1.6.4 setuptools==80.9.0
	.cache/sam/bin/python testdata/sam/expand.py template.yaml .cache/gradual.json Rollout=Canary10Percent5Minutes
	.cache/sam/bin/python testdata/sam/checkov.py .cache/checkov/bin/checkov .cache/gradual.json testdata/sam/checkov.txt
	.cache/parliament/bin/python testdata/sam/iam.py .cache/gradual.json

# What was built takes no other architecture: CloudFormation refuses it.
sam-build: sam-tools ## build the five functions for arm64, or for GOARCH=amd64
	GOARCH=$(GOARCH) $(SAM) build --parameter-overrides Architecture=$(ARCHITECTURE)
	sed -i.bak -e '/^  Architecture:/,/^  [A-Z]/{' -e '/^    - $(OTHER)$$/d' -e 's/Default: .*/Default: $(ARCHITECTURE)/' -e '}' .aws-sam/build/template.yaml

sam-deploy: sam-build ## build and deploy; the first time with questions, later with the saved answers; PROFILE=prod
	@$(KNOWN)
	@[ -f $(ANSWERS) ] || cp samconfig.toml $(ANSWERS)
	@$(DEPLOY) $$(grep -q '^s3_prefix' $(ANSWERS) || echo --guided) || { $(ASK_AGAIN); }

sam-configure: sam-build ## deploy with the questions again, the saved answers offered
	@$(KNOWN)
	@[ -f $(ANSWERS) ] || cp samconfig.toml $(ANSWERS)
	@$(DEPLOY) --guided || { $(ASK_AGAIN); }

stand-ins: GOARCH = $(shell go env GOHOSTARCH)
stand-ins: sam-build $(CACHE)/ddblocal/fetched ## what sam local invoke needs around the functions, which are built for this machine
	go run ./testdata/standins $(STANDINS)

# Part of verify too.
rehearse: fetch ## deploy to an emulator as the README says, and play a first day on it
	USHER_VERIFY="$(HERE)" go test -count=1 -tags verify -v -run '^TestRehearsal$$' ./functions

# sam build calls these. The same source gives the same file from any folder.
$(FUNCTIONS:%=build-%Function): build-%Function:
	GOOS=linux GOARCH=$(GOARCH) CGO_ENABLED=0 go build -trimpath -buildvcs=false -tags lambda.norpc \
		-ldflags '-s -w -buildid= -X usher/pkg/version.set=$(VERSION)' -o "$(ARTIFACTS_DIR)/bootstrap" ./functions/$(shell echo $* | tr A-Z a-z)
