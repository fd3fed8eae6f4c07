"""Is every objective what its paper says, over processes and in little memory too? One JSON object a line, or a page.

    python benchmarks/objective_proofs.py [--write docs/objectives.md]

For each objective on a batch of eight rows and a tiny encoder:

- oracle: the loss against slow loops in double precision, written from the paper's equation;
- two processes: every gradient of two processes over gloo, with the plain and with the cached step, against one process;
- cached: every gradient of the step that needs the memory of one chunk, dropout on, at chunk sizes 1, 3 and all, against the
  plain step of the same chunk size;
- bfloat16: the same under autocast.

Errors of gradients are the largest difference as a share of the length of the whole gradient.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent))

from markdown import put, table
from proofs.cases import CASES
from proofs.errors import cached_error, oracle_error, process_errors


def main() -> None:
    """Measure and print, or put the table into a page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path, help="put the table at the place `proofs` of this page")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    records = []
    for record in measure():
        print(json.dumps(record), flush=True)
        records.append(record)
    if arguments.write:
        page = arguments.write.read_text(encoding="utf-8")
        arguments.write.write_text(put(page, "proofs", proofs(records)), encoding="utf-8")


def measure() -> Iterator[dict[str, str | float]]:
    """One record an objective."""
    processes = process_errors()
    for case in CASES:
        yield {
            "benchmark": "objective_proofs",
            "case": case,
            "oracle": oracle_error(case),
            "two processes": processes[case],
            "cached": cached_error(case),
            "bfloat16": cached_error(case, bfloat16=True),
        }


def proofs(records: list[dict[str, str | float]]) -> str:
    """The records as a table in Markdown."""
    names = ["oracle", "two processes", "cached", "bfloat16"]
    rows = [[str(record["case"]), *(f"{record[name]:.0e}" for name in names)] for record in records]
    return table(["objective", "oracle", "two processes", "cached step", "cached step, bfloat16"], rows)


if __name__ == "__main__":
    main()
