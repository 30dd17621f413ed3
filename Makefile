# Everything runs in .venv, which `make setup` makes; nothing else is installed on the machine. To run Rapport takes
# half the packages that its checks take, so what only runs it waits for those alone.
# `make` alone lists the targets.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

bin := .venv/bin
pytest := $(bin)/pytest
running := .venv/.running
complete := .venv/.complete
# Here seconds are held to a bound, or two minutes of both cores are needed: nothing runs beside it.
alone := tests/integration/test_demo.py tests/integration/test_broker_restart.py tests/integration/test_kafka_clients.py
units := -m "not integration" -n auto --dist worksteal
beside = $(or $(shell $(bin)/python -m tests.sharing),$(error no unit test runs beside others))
# Tests start hundreds of processes: each would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: described help setup demo up down test lint format types unit unit-first unit-beside properties simulation simulate \
    integration integration-together integration-alone gotools browser faults long chart site compose bench bench-peers image-test kube-test lock

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: $(complete) ## Make .venv with the locked packages and Rapport in it

$(complete): pyproject.toml requirements/dev.txt tools/setup.sh
	@tools/setup.sh dev

$(running): pyproject.toml requirements/demo.txt tools/setup.sh
	@tools/setup.sh demo

demo: $(running) ## A real grocery's year through the platform, checked (HOUSEHOLDS=120, KEEP=1)
	@$(bin)/rapport demo

up: $(running) ## Start the whole platform on this machine; Ctrl-C stops it
	@$(bin)/rapport up

down: $(running) ## Stop what `rapport up` started here
	@$(bin)/rapport down

test: $(complete) ## Every check, fast ones first; what needs no time of its own beside what waits: a line is a stage
	@for tiers in 'lint types' unit-first 'integration-together unit-beside' 'faults browser gotools' 'chart simulation' integration-alone; do \
	    printf '\n=== %s\n' "$$tiers"; \
	    began=$$SECONDS; \
	    printf '%s\n' $$tiers | xargs -n 1 -P 3 $(MAKE) --no-print-directory || \
	        { printf '=== %s failed\n' "$$tiers"; exit 1; }; \
	    printf '=== %s passed in %s s\n' "$$tiers" $$((SECONDS - began)); \
	done

lint: $(complete) ## Style (ruff), who may import whom (import-linter), dangers (bandit), and the Prometheus rules by their own tests (promtool)
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/lint-imports --no-logo
	$(bin)/bandit --quiet --configfile pyproject.toml --severity-level medium --recursive deploy rapport services shared tools
	$(bin)/python -m tools.prometheus promtool check config deploy/prometheus/prometheus.yaml
	$(bin)/python -m tools.prometheus promtool test rules deploy/prometheus/*.test.yaml

types: $(complete) ## Types: mypy --strict
	$(bin)/mypy

unit: $(complete) ## Domains, properties, schemas and documents: no servers; a process a core
	$(pytest) tests/unit tests/contract $(units)

# Its two halves in `make test`: what counts seconds, and what is quick; and, in the time that others leave, what is on
# a store or tries examples.
unit-first: $(complete)
	@$(pytest) tests/unit tests/contract $(units) $(addprefix --ignore=,$(beside))

unit-beside: $(complete)
	@nice -n 5 $(pytest) $(beside) $(units)

properties: $(complete) ## What must hold of any history, 3,000 of each (RAPPORT_EXAMPLES); `make unit` tries 100
	RAPPORT_EXAMPLES=$(or $(RAPPORT_EXAMPLES),3000) $(pytest) \
	    tests/unit/truth tests/unit/interactions/test_one_truth.py \
	    tests/unit/interactions/test_conversation_orders.py tests/unit/loyalty/test_arrival.py \
	    tests/unit/followup/test_histories.py tests/unit/metrics/test_apply.py

chart: $(complete) gotools ## The Helm chart: what it renders, and what it refuses; helm is built once where Go 1.26 is there
	$(pytest) tests/chart -m chart -n auto --dist worksteal

gotools: $(complete)
	@nice -n 19 $(bin)/python -m tools.gotools --where helm kubeconform actionlint >/dev/null || test -z "$$CI"

simulation: $(complete) ## Seeded runs of the workers in virtual time, and the faults they found: no servers
	$(pytest) tests/simulation -m simulation -n auto --dist worksteal

simulate: $(complete) ## The same, any seeds: SEEDS=500 or a range SEEDS=1000-2000, and what they hit
	@$(bin)/python -m tests.simulation $(or $(SEEDS),500)

integration: integration-together integration-alone ## The whole path, and the outside contract, on the embedded stack

integration-together: $(complete)
	DESCRIBED_PHASES=fuzzing,stateful $(pytest) tests/integration tests/contract -m integration -n 2 --dist loadfile \
	    $(addprefix --ignore=,$(alone))

integration-alone: $(complete)
	$(pytest) $(alone) -m integration

browser: $(complete) ## The pages in Chromium (Debian's is installed where there is none and we are root)
	@$(bin)/python -m tools.chromium >/dev/null
	$(pytest) tests/browser -m browser

faults: $(complete) ## Kill parts under load, then compare balances exactly
	$(pytest) tests/faults -m "faults and not long"

long: $(complete) described ## What `make test` leaves out, as it has a shorter one of its kind: the longest faults, all phases of `described`, all examples of properties
	$(pytest) tests/faults -m long
	RAPPORT_EXAMPLES=usual $(pytest) tests/unit -m hypothesis -n auto --dist worksteal

site: $(complete) ## The documents as a site, in build/site
	$(bin)/python -m sphinx -q -W --keep-going -n -c docs/site -d build/doctrees . build/site
	@echo build/site/docs/index.html

compose: deploy/compose/.env ## The whole platform in containers on this machine, with Prometheus and Grafana (needs Docker)
	docker compose --file deploy/compose/compose.yaml up --build --wait

deploy/compose/.env:
	@umask 077 && for key in SECRET_KEY API_KEY; do \
	    printf 'RAPPORT_%s=%s\n' $$key "$$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')"; \
	done > $@

described: $(complete) ## The APIs against their OpenAPI documents; DESCRIBED_EXAMPLES=100 for other cases at each run
	$(pytest) tests/integration/test_y_described.py -m integration -s

image-test: $(complete) ## Build the image and run it as platform teams do; needs a Docker daemon (DOCKER_HOST)
	$(pytest) tests/image -m image -s

kube-test: $(complete) ## The chart on the cluster that KUBECONFIG names, with the image of this tree (KUBE_LOAD, KUBE_ADDRESS, KUBE_EXEC)
	@$(bin)/python -m tests.kube.loading
	$(KUBE_EXEC) $(pytest) tests/kube -m kube -s

bench: $(complete) ## Benchmarks that print ratios; not part of `make test`
	$(pytest) tests/bench -m bench -s

bench-peers: $(complete) ## The same work by Kafka Streams, Quix Streams, Faust, a bare client and Rapport: one table (PEERS='--runs 1')
	@tests/bench/peers/setup.sh
	@$(bin)/python -m tests.bench.peers $(PEERS)

format: $(complete) ## Let ruff write the format and mend what it can
	$(bin)/ruff check --fix .
	$(bin)/ruff format .

lock: ## Write requirements/*.txt again from pyproject.toml (needs uv)
	@tools/lock.sh
