# Every target sets up what it needs; the only tools asked of the machine are make and Python 3.11 or newer.
# PYTHON=/path/to/python chooses one; without it the newest found on PATH is taken.

PYTHON ?=
VENV_PYTHON := .venv/bin/python
PIP := $(VENV_PYTHON) -m pip install --quiet --disable-pip-version-check --no-input --require-hashes

# A venv whose Python is gone or too old, or whose checkout was moved, is made again (or mended).
VENV_WORKS := $(shell $(VENV_PYTHON) -c 'import sys; print(sys.version_info >= (3, 11))' 2>/dev/null)
VENV_IS_OURS := $(shell $(VENV_PYTHON) -P -c 'import gateway, os; print(os.path.samefile(os.path.dirname(gateway.__file__), "gateway"))' 2>/dev/null)

.PHONY: help demo test lint full house lock bench schemas payloads vendor FORCE
.DEFAULT_GOAL := help

help:
	@echo "make demo    一夜演示：三个盟市进，申领出 (a night in miniature, under a minute)"
	@echo "make test    全部检查与测试 (lint, then every test)"
	@echo "make full    长测试，限时 (the long forms within a budget: BUDGET=12m, by hand 60m)"
	@echo "make lint    ruff、mypy、import-linter"
	@echo "make house   房子的数字 (figures of the code; HOUSE='-v gateway/flow/' names offenders)"
	@echo "make bench   性能基准，SQLite (the benchmark: 200,000 members, 300,000 records; BENCH='--processes 2' adds options)"
	@echo "make lock    重新生成依赖锁文件 (both lock files; UPGRADE=1 takes newer versions)"
	@echo "make vendor  从已发布的包重取页面所用的样式与脚本 (Bootstrap and htmx out of their published packages; needs npm)"
	@echo "make payloads 重新生成开发包的样本 (the golden payloads of the kit)"
	@echo "make schemas 重新生成 config/schema (the JSON Schemas of the settings files)"

demo: .venv/.runtime .venv/.linked
	@$(VENV_PYTHON) -P -m gateway demo

# The tests start hundreds of processes; where the environment forbids bytecode, each would compile every module anew.
test: lint
	@$(VENV_PYTHON) -m compileall -q gateway connectors
	@$(VENV_PYTHON) -m pytest -n auto --dist worksteal -m "not full"

BUDGET ?= 60m

full: .venv/.dev .venv/.linked
	@$(VENV_PYTHON) -m compileall -q gateway connectors
	@$(VENV_PYTHON) -P tests/full.py $(BUDGET)

lint: .venv/.dev .venv/.linked
	@$(VENV_PYTHON) -m ruff check .
	@$(VENV_PYTHON) -m ruff format --check .
	@$(VENV_PYTHON) -m mypy
	@$(VENV_PYTHON) -P -c 'from importlinter.cli import lint_imports_command; lint_imports_command()' --no-logo

house: .venv/.made
	@$(VENV_PYTHON) tests/house/figures.py $(HOUSE)

bench: .venv/.runtime .venv/.linked
	@$(VENV_PYTHON) -P -m gateway bench --members 200000 --records 300000 --hit-rate 0.2 --processes 1 $(BENCH)

schemas: .venv/.runtime .venv/.linked
	@$(VENV_PYTHON) -P -c 'from pathlib import Path; from gateway.wiring import write_schemas; print(*write_schemas(Path("config/schema")), sep="\n")'

payloads: .venv/.runtime .venv/.linked
	@$(VENV_PYTHON) -P -c 'from gateway.kit.writing import PAYLOADS, payload_files; [(PAYLOADS / name).write_bytes(content) for name, content in payload_files().items()]'

# uv lives in a throw-away venv. Lines that would name a package index are taken out.
lock: .venv/.made
	@rm -rf build/lock && $(VENV_PYTHON) -m venv build/lock
	@build/lock/bin/python -m pip install --quiet --disable-pip-version-check uv
	@$(call compile,requirements.lock,)
	@$(call compile,requirements-dev.lock,--extra dev --constraint requirements.lock)
	@rm -rf build/lock

define compile
build/lock/bin/uv pip compile pyproject.toml $(2) --quiet --universal --python-version 3.11 --generate-hashes \
    --no-header --no-emit-index-url --no-emit-find-links $(if $(UPGRADE),--upgrade) --output-file $(1) && \
sed -i.old -E '/^ *(#.*https?:|--(extra-)?index-url|--find-links|-i )/d' $(1) && rm -f $(1).old
endef

.venv/.made: $(if $(VENV_WORKS),,FORCE)
	@if [ "$(VENV_WORKS)" != True ]; then \
	    for python in "$(PYTHON)" python3.14 python3.13 python3.12 python3.11 python3; do \
	        [ -n "$$python" ] || continue; \
	        if "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	            echo "正在建立 .venv (making .venv with $$python)"; \
	            "$$python" -m venv --clear .venv && touch $@ && exit 0; \
	            exit 1; \
	        fi; \
	    done; \
	    echo "需要 Python 3.11 或更新版本及其 venv 模块 (Python 3.11 or newer with its venv module is needed;" >&2; \
	    echo "on Debian and Ubuntu: apt install python3-venv; or: make PYTHON=/path/to/python ...)" >&2; \
	    exit 1; \
	else touch $@; fi

.venv/.runtime: requirements.lock .venv/.made
	@echo "正在安装运行依赖 (installing the locked set)"
	@$(PIP) -r requirements.lock
	@touch $@

.venv/.dev: requirements-dev.lock .venv/.runtime
	@echo "正在安装开发依赖 (installing the locked set for tests)"
	@$(PIP) -r requirements-dev.lock
	@touch $@

# The checkout itself is not installed: a .pth file points to it, and bin/hubao starts it from any folder.
.venv/.linked: .venv/.made $(if $(VENV_IS_OURS),,FORCE)
	@$(VENV_PYTHON) -c 'import os, sysconfig; open(sysconfig.get_path("purelib") + "/hubao_checkout.pth", "wb").write(os.fsencode(os.getcwd()) + b"\n")'
	@printf '#!/bin/sh\nexec "$$(dirname "$$0")/python" -P -m gateway "$$@"\n' > .venv/bin/hubao
	@chmod +x .venv/bin/hubao
	@touch $@

# The only target that needs more than make and Python: npm, the client of the place where these packages are published.
vendor: .venv/.made
	@$(VENV_PYTHON) tests/vendor.py
