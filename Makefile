# `make` alone explains itself. Every target sets up .venv by itself.

PYTHON ?= python3
BIN := .venv/bin
export HF_HUB_OFFLINE ?= 1

.DEFAULT_GOAL := help
.PHONY: help demo test check lint types architecture bench results messages clean

help: ## Show this help
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "make %-8s %s\n", $$1, $$2 }'

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --editable '.[all]' --group dev --group parity --group teachers
	@$(BIN)/python -m compileall -qq -j 0 .venv || true  # on all cores, pip would take one; some packages hold files for other versions
	touch $@

demo: .venv/ready ## Adapt the embedded encoder to the sample FAQ; what it brought, and searches before and after
	$(BIN)/juyi adapt --output demo --portfolio quick --query '不想要这个套餐了' --query '换个城市上班社保怎么办' --query '这个月还不上信用卡' --query '附近有什么好吃的'

test: .venv/ready ## Run all tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist worksteal

check: .venv/ready ## Lint, types, import floors, architecture
	@$(MAKE) --no-print-directory --jobs 2 --output-sync types lint architecture

types: .venv/ready
	$(BIN)/mypy

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

architecture: .venv/ready
	$(BIN)/python -m pytest tests/test_architecture.py

bench: .venv/ready ## Measure against other tools, side by side
	$(BIN)/python benchmarks/encode_speed.py
	$(BIN)/python benchmarks/train_speed.py

results: .venv/ready ## Make the pages of the studies from docs/results/studies/
	JUYI_LANGUAGE=en $(BIN)/juyi report docs/results/studies/*.json --title "What the studies found" -o docs/results/studies.html
	JUYI_LANGUAGE=zh $(BIN)/juyi report docs/results/studies/*.json --title "各项研究的结果" -o docs/results/studies.zh-CN.html
	$(BIN)/python benchmarks/study_figures.py docs/studies.md docs/comparison.md docs/objectives.md
	for model in mini mini-base; do $(BIN)/python benchmarks/card_figures.py --model $$model --encoders docs/results/studies/encoders-chinese.json \
		--study docs/results/studies/simcse-and-whitening.json --card src/juyi/assets/$$model/README.md || exit 1; done

messages: .venv/ready ## Bring the Chinese catalogue up to date with what is said in the code
	$(BIN)/python tests/messages.py

clean: ## Remove .venv, caches and the demo's output
	rm -rf .venv demo runs .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
