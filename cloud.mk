# The cloud side. GOARCH must be the template's Architecture: amd64 for x86_64.
FUNCTIONS := Webhook Rooms Expire Tasks Sweep
SAM := SAM_CLI_TELEMETRY=0 .cache/sam/bin/sam
GOARCH ?= arm64

.PHONY: sam-tools sam-validate sam-build sam-deploy $(FUNCTIONS:%=build-%Function)

sam-tools: ## install the SAM CLI under .cache
	testdata/venv.sh .cache/sam aws-sam-cli==1.170.0 cfn-lint==1.58.0 aws-sam-translator==1.115.0

sam-validate: sam-tools ## check the template, as written and as expanded
	$(SAM) validate --lint --region eu-central-1
	.cache/sam/bin/python testdata/sam/expand.py template.yaml .cache/expanded.json
	.cache/sam/bin/cfn-lint --regions eu-central-1 --template .cache/expanded.json

sam-build: sam-tools ## build the five functions for arm64, or for GOARCH=amd64
	GOARCH=$(GOARCH) $(SAM) build --parameter-overrides Architecture=$(if $(filter amd64,$(GOARCH)),x86_64,arm64)

sam-deploy: sam-build ## build and deploy, with questions
	$(SAM) deploy --guided --parameter-overrides Architecture=$(if $(filter amd64,$(GOARCH)),x86_64,arm64)

# sam build calls these. The same source gives the same file from any folder.
$(FUNCTIONS:%=build-%Function): build-%Function:
	GOOS=linux GOARCH=$(GOARCH) CGO_ENABLED=0 go build -trimpath -buildvcs=false -tags lambda.norpc \
		-ldflags '-s -w -buildid=' -o $(ARTIFACTS_DIR)/bootstrap ./functions/$(shell echo $* | tr A-Z a-z)
