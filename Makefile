# A thin front for the presets of CMakePresets.json; `make help` lists the targets.
.DEFAULT_GOAL := build
.NOTPARALLEL:
.PHONY: build build-asan test test-release test-asan quickstart bench torture fuzz format lint clean help

JOBS ?= $(shell nproc)
DEPS ?= scripts/install-deps.sh
FUZZ_SECONDS ?= 60
TORTURE_RUNS ?= 50000000
TORTURE_KILLS ?= 200
TORTURE_LONG ?= 1
TORTURE_SLOW_SECONDS ?= 600
TORTURE_SOAK_SECONDS ?= 7200
TORTURE_DRIFT ?= 1
KILLS ?= 20
ARTEMIS_SEED ?= $(shell od -An -N4 -tu4 /dev/urandom | tr -d ' ')
torture: ARTEMIS_SEED := $(ARTEMIS_SEED)

build_preset = cmake --preset $(1) && cmake --build --preset $(1) -j $(JOBS)

build: ## Install missing packages, build build/artemis (the default)
	$(DEPS)
	$(call build_preset,release)

test: test-release test-asan ## All tests, in the release build and under ASan + UBSan

test test-release: DEPS += --serve-tests

test-release: build ## All tests but the soak, in the release build; runs are killed KILLS (20) times
	ARTEMIS_KILLS=$(KILLS) ctest --preset release -j $(JOBS)
	scripts/test-serve.sh build client page malformed drops hangups
	scripts/test-gpu.sh build

# Beside a compilation the server is half as fast, and its memory settles later.
test-asan: build ## All tests under ASan + UBSan; while they compile, the release build's server is soaked
	SOAK_DRIFT=5 scripts/beside.sh soak scripts/test-serve.sh build soak -- $(MAKE) build-asan
	ctest --preset asan -j $(JOBS)

build-asan:
	$(call build_preset,asan)

quickstart: build ## A decoder that learns to see: scenes, graft, Stage 1, report.html
	scripts/quickstart.sh

bench: build ## Print rates beside ceilings measured in the same run
	build/bench_artemis

torture: build ## The full counts of what make test does less of, in days; ARTEMIS_SEED=N repeats a run
	@echo "seed: $(ARTEMIS_SEED)"
	ARTEMIS_SEED=$(ARTEMIS_SEED) ARTEMIS_KILLS=$(TORTURE_KILLS) ARTEMIS_LONG=$(TORTURE_LONG) build/test_train
	ARTEMIS_SEED=$(ARTEMIS_SEED) DROPS=200 HANGUPS=10000 HANGUP_STREAMS=500 SLOW_SENDERS=1000 \
	  SLOW_SECONDS=$(TORTURE_SLOW_SECONDS) SOAK_SECONDS=$(TORTURE_SOAK_SECONDS) SOAK_DRIFT=$(TORTURE_DRIFT) \
	  scripts/test-serve.sh build drops hangups slow soak
	$(call build_preset,tsan)
	ctest --preset tsan
	ARTEMIS_SEED=$(ARTEMIS_SEED) SOAK_SECONDS=$(TORTURE_SOAK_SECONDS) SOAK_DRIFT=100 \
	  TSAN_OPTIONS=suppressions=$(CURDIR)/tests/support/tsan.supp scripts/test-serve.sh build-tsan soak
	$(DEPS) --fuzz
	$(call build_preset,fuzz)
	scripts/fuzz.sh build-fuzz -runs=$(TORTURE_RUNS) -seed=$(ARTEMIS_SEED)

fuzz: ## Each libFuzzer target for FUZZ_SECONDS (60)
	$(DEPS) --fuzz
	$(call build_preset,fuzz)
	scripts/fuzz.sh build-fuzz -max_total_time=$(FUZZ_SECONDS)

format: ## clang-format over all sources
	$(DEPS) --format
	git ls-files --cached --others --exclude-standard '*.h' '*.cpp' '*.cu' '*.cuh' | xargs -r clang-format -i

lint: ## clang-tidy over src/artemis
	$(DEPS) --lint
	cmake --preset release -B build-lint -D ARTEMIS_PRECOMPILE=OFF
	run-clang-tidy -p build-lint -quiet -j $(JOBS) -extra-arg=-Wno-unknown-warning-option '/src/artemis/'

clean: ## Remove everything that make made
	rm -rf build build-asan build-debug build-tsan build-fuzz build-lint quickstart

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
