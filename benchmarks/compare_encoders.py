"""The comparison of encoders: writes the tables of docs/comparison.md, so that none is typed by hand.

What encoders take is measured here, each in turn with the same other encoder, on an idle machine; one JSON object a row:

    python benchmarks/compare_encoders.py --zh DIR --write docs/comparison.md

Sizes of others, and what was published of them, are at hand:

    python benchmarks/compare_encoders.py --published --write docs/comparison.md

What they are worth is measured by `juyi reproduce encoders-chinese` and `encoders-english`; see `study_figures.py`.
"""

from __future__ import annotations

import argparse
import dataclasses
import re
import sys
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

from baselines.cost import CORES, keep_to, parameters_of, size_of, timed
from baselines.rows import REFERENCE, chosen_rows, hub_rows, model_folders, open_rows
from baselines.sizes import chosen_models, read_sizes, size_tables
from baselines.tables import NOTHING, cost_table
from juyi.assets import EMBEDDED
from juyi.atomic import write_text
from juyi.errors import JuyiError, UsageError
from juyi.language import choose_language
from juyi.suites import chinese_five
from markdown import put, read_page

COST = "measured: cost"
PUBLISHED = "published: small-encoders"
SENTENCES = 2000


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what the arguments ask for, and write what is at hand."""
    options = _options(arguments)
    try:
        if not options.published and options.zh is None:
            raise UsageError("There is nothing to do. Name a folder with --zh, or --published.")
        if options.published and options.write is None:
            raise UsageError("--published writes tables into a page. Name the page with --write.")
        sections = {PUBLISHED: size_tables(read_sizes(), EMBEDDED)} if options.published else {}
        if options.zh is not None:
            if options.write is not None:
                _with(options.write, {**sections, COST: ""})  # a page without a place is refused before anything is measured
            sections[COST] = _costs(options)
        if options.write is not None:
            write_text(options.write, _with(options.write, sections))
    except JuyiError as error:
        sys.exit(f"Error: {error}")


def _with(path: Path, sections: Mapping[str, str]) -> str:
    """The page with each section between its markers."""
    page = read_page(path)
    for name, text in sections.items():
        page = put(page, name, f"\n{text}\n\n")
    return page


def _costs(options: argparse.Namespace) -> str:
    """The table of sizes and speeds."""
    if not options.keep_cores:
        keep_to(CORES)
    (task,) = chinese_five(options.zh, ["test"], tasks=["STS-B"])
    texts = list(dict.fromkeys([*task.pairs.first, *task.pairs.second]))[: options.limit or SENTENCES]
    folders = model_folders(options.encoder)
    rows = chosen_rows(options.rows, folders)
    asked = REFERENCE in folders and REFERENCE in rows
    others = [row.encode for row in open_rows([REFERENCE] if asked else [], folders)]
    reference = (REFERENCE, others[0] if others else None)
    costs = []
    for row in chain(open_rows(rows, folders), hub_rows(chosen_models(options.hub, read_sizes()))):
        cost = timed(row.title, row.engine or NOTHING, row.encode, texts, reference)
        if row.folder is not None:
            cost = dataclasses.replace(cost, size=size_of(row.folder), parameters=parameters_of(row.folder))
        costs.append(cost)
    table = cost_table(costs, REFERENCE)
    return table if options.limit is None else f"{table}\n\n**A trial on {len(texts)} sentences, not a measurement.**"


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=re.split(r"\n\n", __doc__ or "")[0])
    parser.add_argument("--zh", type=Path, metavar="DIR", help="measure size and speed, on the sentences of its STS-B test")
    parser.add_argument("--encoder", nargs="+", default=[], metavar="NAME=FOLDER", help="further rows")
    parser.add_argument("--hub", nargs="*", metavar="NAME", help="also these of baselines/sizes.toml; none: all")
    parser.add_argument("--rows", help="only these rows, with commas between: lexical,mini-base,mini,…")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N sentences, to try it out")
    parser.add_argument("--keep-cores", action="store_true", help="use all cores, not two")
    parser.add_argument("--published", action="store_true", help="the sizes of others, and what was published of them")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="write the tables between the markers of this page")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    choose_language("en")  # that of the pages
    main()
