# Evenkeel's commands. `make` alone lists them; all of them may be interrupted and run again.
PYTHON ?= python3
STACK ?= local
PYTEST ?= pytest -q
SETUP := $(PYTHON) -m operations.setup
RUN := $(SETUP) run
# A way back comes before what keeps the machine busy; only root may ask for that, others run as they are.
URGENT = $(if $(filter -10,$(shell nice -n -10 nice 2>/dev/null)),nice -n -10)
RELEASES = $(RUN) env PYTHONPATH=ansible python -m operations.releases

.DEFAULT_GOAL := help
# All of them: none makes a file of its name.
.PHONY: $(shell awk -F: '/^[a-z-]+:/ {print $$1}' $(firstword $(MAKEFILE_LIST)))

help: ## this list
	@printf 'Evenkeel. Usage: make COMMAND [NAME=VALUE ...]\n\n'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {gsub(/[$$][$$]/, "$$", $$2); printf "  %-15s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

up: ## bring the whole platform up [STACK=local]
	@$(SETUP) up STACK=$(STACK)

down: ## stop it, keep data and secrets; DATA=delete leaves nothing behind [STACK=local]
	@$(SETUP) down STACK=$(STACK) DATA=$(DATA)

status: ## every member with its role, health, version and memory [STACK=local]
	@$(SETUP) status STACK=$(STACK)

logs: ## what members say [TIER=postgres SINCE=5m QUERY=text STACK=local]
	@$(SETUP) logs STACK=$(STACK) TIER='$(TIER)' SINCE='$(SINCE)' QUERY='$(QUERY)'

trace: ## where a request spent its time, or which were slowest [REQUEST=id | SINCE=1h SLOW=0.5 FAILED=yes STACK=local]
	@$(RUN) python -m operations.monitoring trace STACK=$(STACK) REQUEST='$(REQUEST)' SINCE='$(SINCE)' SLOW='$(SLOW)' FAILED='$(FAILED)' LAST='$(LAST)'

alerts: ## what fires or is about to, what it means and what to do; addresses of Prometheus [STACK=local]
	@$(RUN) python -m operations.monitoring alerts STACK=$(STACK)

alert-test: ## one alert through every configured route, and whether it arrived [STACK=local]
	@$(RUN) python -m operations.monitoring alert-test STACK=$(STACK)

slo-report: ## what was promised, what was kept, what is left of the error budgets [DAYS=30 STACK=local]
	@$(RUN) python -m operations.monitoring slo-report STACK=$(STACK) DAYS='$(DAYS)'

dashboard: ## a page that leads to what is unusual; FILE=path writes it once [PORT=8900 STACK=local]
	@$(RUN) python -m operations.dashboard STACK=$(STACK) PORT='$(PORT)' FILE='$(FILE)'

grafana: ## dashboards for a Grafana of your own, written to build/grafana [STACK=local]
	@$(RUN) python -m operations.dashboard.grafana STACK=$(STACK)

ask: ## figures of the platform, by PromQL [QUERY='up == 0' STACK=local]
	@$(RUN) python -m operations.monitoring ask STACK=$(STACK) QUERY='$(QUERY)'

heal: ## run the playbooks of monitoring.healing while their alerts fire, until Ctrl-C [ONCE=yes STACK=local]
	@$(SETUP) prepare-ansible STACK=$(STACK) >/dev/null
	@$(RUN) env PYTHONPATH=ansible python -m operations.healing STACK=$(STACK) ONCE='$(ONCE)'

audit: ## who did what to the stack, and whether the log of it is whole [LAST=20 FORMAT=text|json STACK=local]
	@$(RUN) python -m operations.audit STACK=$(STACK) LAST='$(LAST)' FORMAT='$(FORMAT)'

hold: ## keep supervisors from bringing a member back [MEMBER=redis-2 FOR=10m WHY=text STACK=local]
	@$(SETUP) hold STACK=$(STACK) MEMBER='$(MEMBER)' FOR='$(FOR)' WHY='$(WHY)'

unhold: ## end a hold before its time [MEMBER=redis-2 STACK=local]
	@$(SETUP) unhold STACK=$(STACK) MEMBER='$(MEMBER)'

graph: ## draw the running platform into README.md, from the stack's own state [STACK=local]
	@$(SETUP) graph STACK=$(STACK)

drill: ## break something under load and report what clients noticed; all of them, or [DRILL=node-kill,partition STACK=local]
	@$(SETUP) prepare-drills STACK=$(STACK)
	@$(RUN) ansible-playbook ansible/playbooks/drill.yml -e stack=$(STACK) -e drill='$(DRILL)'

switchover: ## hand Postgres' primary role to another member, as a pause [PRIMARY=postgres-2 STACK=local]
	@$(SETUP) prepare-ansible STACK=$(STACK)
	@$(RUN) ansible-playbook ansible/playbooks/switchover.yml -e stack=$(STACK) -e primary='$(PRIMARY)'

rotate: ## exchange secrets under load [WHAT=all|redis|postgres|edge|ca|NAME UNTIL=switch BACK=yes STACK=local]
	@$(RUN) python -m operations.rotation STACK=$(STACK) WHAT=$(WHAT) UNTIL=$(UNTIL) BACK=$(BACK)

preview: ## what `make up` would do to whom, by which rule, at what cost; changes nothing [FORMAT=text|markdown|json STACK=local]
	@$(SETUP) preview STACK=$(STACK) FORMAT=$(FORMAT)

prepare-preview: ## what a preview needs: tools and images [STACK=local]
	@$(SETUP) prepare STACK=$(STACK)

review-tools: ## what comparing declarations and posting comments needs: the virtual environment
	@$(SETUP) review-tools

upgrade: ## bring every member to what the stack's YAML says, one at a time [STACK=local TIER=postgres PLAN=true]
	@$(SETUP) prepare-ansible STACK=$(STACK)
	@$(RUN) ansible-playbook ansible/playbooks/upgrade.yml -e stack=$(STACK) -e tier='$(TIER)' -e plan_only=$(or $(PLAN),false)

release: ## another image while it serves [IMAGE=shop:1.5 STRATEGY=blue-green|canary|rolling PLAN=true WITH=file.yml STACK=local]
	@$(SETUP) prepare-ansible STACK=$(STACK)
	@$(SETUP) load-tools
	@$(RUN) ansible-playbook ansible/playbooks/release.yml -e stack=$(STACK) -e image='$(IMAGE)' -e plan_only=$(or $(PLAN),false) $(if $(STRATEGY),-e release_strategy=$(STRATEGY)) $(if $(WITH),-e @$(WITH))

rollback: ## take the last release back, at once [FORCE=true STACK=local]
	@$(URGENT) $(RUN) env PYTHONPATH=ansible python -m operations.releases.back STACK=$(STACK) FORCE=$(or $(FORCE),false)

retire: ## empty the colour that has no traffic any more [STACK=local]
	@$(SETUP) prepare-ansible STACK=$(STACK)
	@$(RUN) ansible-playbook ansible/playbooks/retire.yml -e stack=$(STACK)

releases: ## what each colour runs, and every release so far [STACK=local]
	@$(RELEASES) list STACK=$(STACK)

release-watch: ## the release under way, live [STACK=local]
	@$(RELEASES) watch STACK=$(STACK)

release-status: ## once, or when it has ended; exit status 0 done, 1 not, 2 none, 3 under way [TIMEOUT=s FORMAT=json STACK=local]
	@$(RELEASES) status STACK=$(STACK) TIMEOUT='$(TIMEOUT)' FORMAT='$(FORMAT)'

release-pause: ## let the release under way wait where it is [STACK=local]
	@$(RELEASES) pause STACK=$(STACK)

release-resume: ## let it go on [STACK=local]
	@$(RELEASES) resume STACK=$(STACK)

release-promote: ## give it all requests now [STACK=local]
	@$(RELEASES) promote STACK=$(STACK)

release-abort: ## take it back now [STACK=local]
	@$(RELEASES) abort STACK=$(STACK)

ansible: ## what `ansible-playbook` typed by hand needs (2 s, once)
	@$(SETUP) prepare-ansible STACK=$(STACK)

env: ## the environment that `pulumi` typed by hand needs: eval "$$(make -s env)" [STACK=local]
	@$(SETUP) env STACK=$(STACK)

tools: ## Pulumi, its plugins and the virtual environment, nothing else
	@$(SETUP) tools

images: ## build the images that changed, nothing else
	@$(SETUP) images

test: ## all tests: unit, preview, local
	@$(MAKE) --no-print-directory test-unit test-preview test-local

test-unit: ## settings, tiers, templates, manifests, operations, the collection, the example
	@$(SETUP) prepare-tests
	@$(RUN) $(PYTEST) --numprocesses 2 tests/unit examples/orders/tests

test-preview: ## previews by the real engine, and bad input
	@$(SETUP) prepare-tests
	@$(RUN) $(PYTEST) tests/preview

test-local: ## the real platform on Docker
	@$(SETUP) prepare-tests
	@$(RUN) $(PYTEST) tests/local

test-endurance: ## what takes minutes per test: clocks that differ or jump, Redis that grows, both databases upgraded, releases killed at every stage
	@$(SETUP) prepare-tests
	@EVENKEEL_TEST_ENDURANCE=1 $(RUN) $(PYTEST) -m endurance tests/local

test-logs: ## logs and traces that are kept; their programs take a quarter of an hour to build, once
	@$(SETUP) prepare-log-tests
	@EVENKEEL_TEST_LOGS=1 $(RUN) $(PYTEST) -m logs tests/local

test-molecule: ## the collection's Molecule scenarios on the real platform; part of test-local
	@$(SETUP) prepare-tests
	@$(RUN) $(PYTEST) tests/local/test_molecule.py

lint: ## ruff, mypy, yamllint, ansible-lint, the workflows, the rules over every committed stack
	@$(SETUP) lint-tools
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/yamllint --strict -d '{extends: default, rules: {document-start: disable, line-length: {max: 120}, comments: {min-spaces-from-content: 1}}}' Pulumi.yaml stacks ansible .ansible-lint .github .gitlab operations/previews/prices
	@PATH=$(CURDIR)/.venv/bin:$$PATH .venv/bin/ansible-lint -q --nocolor ansible
	@.venv/bin/check-jsonschema -q --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@.venv/bin/check-jsonschema -q --builtin-schema vendor.gitlab-ci --data-transform gitlab-ci .gitlab/*.yml
	@.venv/bin/zizmor --offline --no-progress -q .github/workflows
	@.venv/bin/python -m operations.policies

bench-preview: ## how long a preview takes to its comment, and whether two are alike
	@$(SETUP) prepare
	@$(RUN) python -m operations.benchmarks.preview

bench-drill: ## how quickly it recovers, 20 node kills, beside Patroni's defaults without a fencer [RUNS=20]
	@$(SETUP) prepare-drills
	@RUNS=$(or $(RUNS),20) $(RUN) python -m operations.benchmarks.drill

bench-monitoring: ## how soon a fault is told, what watching costs, whether a line is ever lost
	@$(SETUP) prepare-log-tests
	@$(RUN) python -m operations.benchmarks.monitoring

purge: ## remove answers from every edge's cache [URLS='/app/* shop.example/news' FILE=urls DRY_RUN=1 STACK=local]
	@$(RUN) python -m operations.cache purge STACK=$(STACK) URLS='$(URLS)' FILE='$(FILE)' DRY_RUN='$(DRY_RUN)'

warm: ## ask every edge for these, so that they are cached [URLS='/app/' FILE=urls HOST=shop.example STACK=local]
	@$(RUN) python -m operations.cache warm STACK=$(STACK) URLS='$(URLS)' FILE='$(FILE)' HOST='$(HOST)'

load: ## requests at a constant rate, and what became of each [RATE=50 FOR=60s PATHS='/ /news' STACK=local]
	@$(SETUP) load-tools
	@$(RUN) python -m operations.load STACK=$(STACK) RATE='$(RATE)' FOR='$(FOR)' PATHS='$(PATHS)'

bench: ## how long start, stop and doing nothing take; writes build/bench/
	@$(SETUP) prepare
	@$(RUN) python -m operations.benchmarks.start

bench-change: ## what users notice of changed settings, new images, rotated secrets, crashes [PART=settings,upgrade]
	@$(SETUP) prepare
	@$(SETUP) load-tools
	@$(RUN) python -m operations.benchmarks.change PART='$(PART)'

bench-release: ## ten releases, a rollback and a drain at 60 % of the capacity, with 200 WebSockets
	@$(SETUP) prepare-ansible
	@$(SETUP) load-tools
	@$(RUN) env PYTHONPATH=ansible python -m operations.benchmarks.release

docs: ## write docs/settings.md, docs/changes.md and the generated parts of docs/previews.md and docs/monitoring.md
	@$(SETUP) docs
	@$(RUN) python -m tests.support.changes_page

lock: ## resolve requirements*.in anew: versions and hashes, no addresses
	@$(PYTHON) -m venv build/uv && build/uv/bin/pip install --quiet uv
	@for lock in requirements requirements-ansible requirements-dev images/supervisor/requirements toolchain/go/requirements; do \
	  echo "$$lock.txt"; \
	  (cd $$(dirname $$lock) && UV_OVERRIDE=$(CURDIR)/requirements-override.txt UV_CUSTOM_COMPILE_COMMAND='make lock' $(CURDIR)/build/uv/bin/uv pip compile --quiet \
	    --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	    $$(basename $$lock).in --output-file $$(basename $$lock).txt) || exit 1; \
	done
