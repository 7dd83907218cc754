# The two commands: `make run` and `make test`. Needs python3 >= 3.11 and make; uses uv when present.
.PHONY: run test setup setup-tests lint bench messages help
.DEFAULT_GOAL := help

SHELL := /bin/sh
PY := .venv/bin/python
# The first Python that is new enough; PYTHON=/path/to/python chooses one.
CANDIDATES := $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11
define bootstrap
@for p in $(CANDIDATES); do \
	if "$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
		exec "$$p" -I config/bootstrap.py $(1); \
	fi; \
done; \
echo "make: Python 3.11 or newer is needed, and none was found (looked for: $(strip $(CANDIDATES)))." >&2; \
echo "make: 需要 Python 3.11 或更高版本。" >&2; exit 1
endef

help: ## these words
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1	\2/p' Makefile | expand -t 14

run: setup ## the whole program with demo shops at http://127.0.0.1:8000 (PORT=8001 chooses another port)
	@exec $(PY) manage.py run

setup: ## .venv and the requirements, nothing else
	$(call bootstrap)

setup-tests:
	$(call bootstrap,tests)

test: setup-tests ## lint, then every test: SQLite, PostgreSQL, Redis with worker processes, chromium
	@exec $(PY) -m tests.suite

lint: setup-tests ## ruff, mypy, import order, missing migrations, Django's checks
	@exec $(PY) -m tests.suite lint

bench: setup-tests ## every benchmark with its default arguments
	@for f in $$(grep -l '^if __name__ == "__main__"' benchmarks/*.py 2>/dev/null); do \
		m=$$(basename "$$f" .py); echo "== $$m"; $(PY) -m "benchmarks.$$m" || failed=1; \
	done; exit $${failed:-0}

messages: setup-tests ## collect and compile the translations (needs GNU gettext)
	@$(PY) manage.py makemessages -l zh_Hans --no-obsolete --ignore .venv --ignore var
	@$(PY) manage.py compilemessages -l zh_Hans
