# make serve: the whole service on http://localhost:8001. make test: the tests. Both set up what they need.
# Needs Python 3.11 or newer and nothing else.

BASE_PYTHON := $(or $(shell command -v python3.11),$(shell command -v python3))
PYTHON := .venv/bin/python
MANAGE := $(PYTHON) manage.py
CODE := chatsvc messaging assistant conversations channels_app tenants
# Lines for people, unless .env says otherwise; a variable exported here would overrule that file.
ifeq ($(shell grep -s '^LOG_FORMAT=' .env),)
export LOG_FORMAT ?= console
endif
# The tests start the service some forty times, and each start would compile it.
unexport PYTHONDONTWRITEBYTECODE
# A database that is named is set up at every start: it may be another one than last time.
NAMED := $(DATABASE_URL)$(POSTGRESQL_URI)$(MONGODB_URI)$(shell grep -sE '^(DATABASE_URL|POSTGRESQL_URI|MONGODB_URI)=.' .env)

.PHONY: serve channel-table demo-talks demo-learnt test test-cluster test-pgvector test-mongo check widget proto format clean bench load chaos fuzz fuzz-api journeys-cluster lock simulate simulate-mutations openapi-lint openapi-breaking openapi-baseline clients

serve: .venv/installed var/seeded
	@# var/seeded follows the migrations; a database that is named, or a file that was removed, is set up here.
	@[ -s var/chatsvc.sqlite3 -a $(if $(NAMED),"",set) ] || { $(MANAGE) migrate --verbosity 0 && $(MANAGE) seed_demo; }
	@exec $(MANAGE) serve

# Three for two processors: a part of the tests waits for processes, sockets and pages.
test: .venv/installed-dev var/languages
	$(PYTHON) -m pytest -n 3 --dist worksteal -m "not chaos and not clients"

# The same tests on PostgreSQL and Redis, both started for this run and thrown away after it.
test-cluster: .venv/installed-dev
	tests/run_cluster.sh

# The vectors' tests on a PostgreSQL with pgvector.
test-pgvector: .venv/installed-dev
	tests/run_pgvector.sh

# The tests on a MongoDB-compatible server, or on MONGODB_URI; installs MongoDB's Django engine. See docs/databases.md.
test-mongo: .venv/installed-dev
	tests/run_mongo.sh

# docs/channels/table.md, from what is seen to go through each channel.
channel-table: .venv/installed-dev
	CHANNEL_TABLE=write $(PYTHON) -m pytest -q -n 0 tests/messaging/test_channel_table.py

# docs/demo-talks.md, from what the demo's assistant answers without a language model.
demo-talks: .venv/installed-dev
	DEMO_TALKS=write $(PYTHON) -m pytest -q -n 0 tests/assistant/test_demo_talks.py

# assistant/demo/learnt, after a change of what the demo is taught.
demo-learnt: .venv/installed-dev
	DEMO_LEARNT=write $(PYTHON) -m pytest -q -n 0 tests/assistant/test_demo_ready.py

check: .venv/installed-dev
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy $(CODE) benchmarks
	.venv/bin/lint-imports
	$(MANAGE) makemigrations --check --dry-run
	$(MANAGE) spectacular --validate --fail-on-warn --file /dev/null
	$(PYTHON) -m assistant.engine.protoc --check
	@$(MAKE) --no-print-directory openapi-breaking

# The widget's files that pages load, after a change of static/widget; needs Node.js 20 and npm. Tests hold them to src/.
widget: tools/node_modules/.package-lock.json
	node tools/widget.mjs

tools/node_modules/.package-lock.json: tools/package-lock.json
	npm ci --prefix tools --ignore-scripts --no-audit --no-fund --silent

# The OpenAPI document as Redocly and Spectral judge it; warnings count. Needs Node.js 20 and npm.
openapi-lint: .venv/installed-dev tools/node_modules/.package-lock.json
	@mkdir -p var
	$(MANAGE) spectacular --format openapi-json --file var/openapi.json
	tools/node_modules/.bin/redocly lint --config tools/redocly.yaml var/openapi.json
	tools/node_modules/.bin/spectral lint --quiet --ruleset tools/spectral.yaml --fail-severity warn var/openapi.json

# Whether a client of docs/api/openapi.json could stumble over the present API; see docs/api/changelog.md. Needs Go.
openapi-breaking: .venv/installed-dev $(if $(shell command -v go),var/oasdiff/oasdiff)
	$(PYTHON) tools/openapi_baseline.py

# At a release: what was promised until now and what was added since is promised from then on.
openapi-baseline: .venv/installed-dev var/oasdiff/oasdiff
	$(PYTHON) tools/openapi_baseline.py --write

# Where Go's modules cannot be fetched the comparison says so and passes: that is the network's business, not ours.
OASDIFF := 1.37.0
var/oasdiff/oasdiff: | .venv/bin/python
	@mkdir -p var/oasdiff
	GOBIN=$(CURDIR)/var/oasdiff go install github.com/oasdiff/oasdiff@v$(OASDIFF) || touch var/oasdiff/unreachable

# Clients of all operations as generators make them in Python, TypeScript, Go and Java: compiled, and used against the service.
clients: .venv/installed-dev tools/node_modules/.package-lock.json var/clients/installed
	$(PYTHON) -m pytest -n 0 -m clients tests/clients

var/clients/installed: tests/clients/requirements.lock | .venv/bin/python
	$(PYTHON) -m venv var/clients
	var/clients/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

# Schemathesis over the whole OpenAPI document, every check, with coverage and in scenarios; FUZZ_SEED is another course.
# Then all examples of Hypothesis' tests, of which make test takes a quarter.
FUZZ_CASES ?= 20000
fuzz: fuzz-api .venv/installed-dev
	EXAMPLES=all $(PYTHON) -m pytest -n 3 --dist worksteal -m hypothesis

fuzz-api: .venv/installed-dev
	FUZZ_CASES=$(FUZZ_CASES) $(PYTHON) -m pytest -n 0 -s tests/fuzz

# The gRPC code of the engine, after a change of assistant/engine/engine.proto.
proto: .venv/installed-dev
	$(PYTHON) -m assistant.engine.protoc

format: .venv/installed-dev
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

clean:
	rm -rf .venv var staticfiles .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	@"$(BASE_PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	"$(BASE_PYTHON)" -m venv .venv

# A stamp is older than what it stands for when something has changed.
INSTALL := $(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes
.venv/installed: requirements.lock | .venv/bin/python
	$(INSTALL) -r requirements.lock
	@touch $@

.venv/installed-dev: requirements-dev.lock | .venv/bin/python
	$(INSTALL) -r requirements-dev.lock
	@touch $@ .venv/installed

# Every version and its hashes, from the bounds in requirements*.txt. What is locked stays while it fits them;
# `make lock UPGRADE=--upgrade` takes the newest of everything. See docs/upgrading.md.
UPGRADE :=
UV := 0.13.9
COMPILE = var/uv-$(UV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"
lock: var/uv-$(UV)/bin/uv
	$(COMPILE) $(UPGRADE) requirements-dev.txt -o requirements-dev.lock
	for part in "" -otel -s3 -heif -english -mongodb; do \
		$(COMPILE) --no-annotate requirements$$part.txt -c requirements-dev.lock -o requirements$$part.lock || exit 1; \
	done
	$(COMPILE) $(UPGRADE) tests/requirements-mongo-peer.txt -o tests/requirements-mongo-peer.lock
	$(COMPILE) $(UPGRADE) tests/performance/requirements.txt -o tests/performance/requirements.lock
	$(COMPILE) $(UPGRADE) tests/clients/requirements.txt -o tests/clients/requirements.lock

var/uv-$(UV)/bin/uv: | .venv/bin/python
	$(PYTHON) -m venv var/uv-$(UV)
	var/uv-$(UV)/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV)

# The model of languages as files: without them each process of the tests makes it anew (channels_app/words/languages.py).
var/languages: .venv/installed
	@mkdir -p var
	$(PYTHON) -m channels_app.words.languages
	@touch $@

var/seeded: $(wildcard chatsvc/demo/*.py) $(wildcard assistant/demo/*.py) $(wildcard */migrations/*.py) | .venv/installed
	@mkdir -p var staticfiles
	$(MANAGE) migrate --verbosity 0 --skip-checks
	$(MANAGE) seed_demo --skip-checks
	@touch $@

# What a message costs, held against benchmarks/recorded/record.json; under ten minutes on two quiet cores. See benchmarks/README.md.
bench: .venv/installed-dev
	$(PYTHON) -m benchmarks

# Locust against every process on this machine, and the model of docs/scaling.md beside it. Locust has an environment of its own.
load: .venv/installed-dev var/locust/installed
	$(PYTHON) -m benchmarks.recorded.load_model --locust var/locust/bin/locust

var/locust/installed: tests/performance/requirements.lock | .venv/bin/python
	$(PYTHON) -m venv var/locust
	var/locust/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

# Real processes killed at random moments; minutes. CHAOS_KILLS=30 is the long form.
chaos: .venv/installed-dev
	$(PYTHON) -m pytest -m chaos -s tests/chaos tests/journeys/test_restore.py

# Two agents and two visitors in four browsers before two processes of sockets; about three minutes.
journeys-cluster: .venv/installed-dev
	$(PYTHON) -m pytest -m chaos tests/journeys/desk

# The promises under a scheduler with a seed, for as long as you like; see docs/testing.md. FIRST is the first seed, JOBS
# is how many processes share them.
SEEDS ?= 200
STEPS ?= 1000
FIRST ?= 1
JOBS ?= 1
simulate: .venv/installed-dev
	$(PYTHON) -m tests.simulation --first $(FIRST) --seeds $(SEEDS) --steps $(STEPS) --jobs $(JOBS)

# Each fault of tests/simulation/mutations.py must be found within 200,000 steps.
simulate-mutations: .venv/installed-dev
	$(PYTHON) -m tests.simulation --mutations --steps 300
