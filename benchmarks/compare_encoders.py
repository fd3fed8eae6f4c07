"""The comparison of encoders: measures every row and writes the tables of docs/comparison.md, so that no figure is typed by hand.

Prints one JSON object a score on stdout, talk on stderr. Speed is measured apart from the scores, on an idle machine:

    python benchmarks/compare_encoders.py --zh DIR --en DIR --text FILE… --write docs/comparison.md
    python benchmarks/compare_encoders.py --zh DIR --text FILE… --speed --write docs/comparison.md

The sizes of others, and what was published of them, are written without measuring:

    python benchmarks/compare_encoders.py --published --write docs/comparison.md
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

from baselines.cost import CORES, keep_to, parameters_of, size_of, timed
from baselines.page import NOTHING, PUBLISHED, Column, check_page, column_table, cost_table, overlap_leads, write_sections
from baselines.rows import LEXICAL, REFERENCE, Row, chosen_rows, hub_rows, model_folders, open_rows
from baselines.sets import chinese_sets, english_sets
from baselines.sizes import chosen_models, read_sizes, size_tables
from juyi.assets import EMBEDDED
from juyi.baselines import gram_counts
from juyi.errors import JuyiError, UsageError
from juyi.evaluation import Evaluation, Fitting, evaluate_suite, on_target
from juyi.postprocessing import fit_whitening
from juyi.suites import chinese_five
from juyi.tasks import STS, EncodeOnce, encode_of

LANGUAGES = ("chinese", "english")
SPEED_SENTENCES = 2000

Sets = Mapping[str, Sequence[STS]]
"""By language, in the order of the columns."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what the arguments ask for."""
    options = _options(arguments)
    try:
        measured = ["cost"] if options.speed else [name for name in LANGUAGES if getattr(options, name)]
        if options.write is not None:
            check_page(options.write, [*measured, PUBLISHED] if options.published else measured)
        sections = _published(options) if options.published else {}
        if measured or not options.published:
            sections |= _speed(options) if options.speed else _scores(options)
        if options.write is not None:
            write_sections(options.write, sections)
    except JuyiError as error:
        sys.exit(f"Error: {error}")


def _published(options: argparse.Namespace) -> dict[str, str]:
    """The tables of others' sizes and figures."""
    if options.write is None:
        raise UsageError("--published writes tables into a page. Name the page with --write.")
    return {PUBLISHED: size_tables(read_sizes(), EMBEDDED)}


def _scores(options: argparse.Namespace) -> dict[str, str]:
    """The tables of all languages that data were given for."""
    readers = {"chinese": chinese_sets, "english": english_sets}
    sets: Sets = {name: read(getattr(options, name), options.limit) for name, read in readers.items() if getattr(options, name)}
    if not sets:
        raise UsageError("There is nothing to measure on. Name a folder with --zh, or --en, or both.")
    folders = model_folders(options.encoder)
    tables: dict[str, dict[str, list[Evaluation]]] = {name: {} for name in sets}
    for row in open_rows(chosen_rows(options.rows, folders), folders, options.text, options.limit):
        for table in tables.values():
            table.setdefault(row.title, [])  # a row that knows no English stands there with dashes
        for language, tasks in sets.items():
            if language in row.languages:
                _say(f"{row.candidate.name}, {language} …")
                for title, evaluation in measure(row, tasks):
                    tables[language].setdefault(title, []).append(evaluation)
                    for record in evaluation.records():
                        print(json.dumps(record, ensure_ascii=False), flush=True)
    return {name: _section(tables[name], [Column.of(task) for task in sets[name]], options.limit) for name in sets}


def measure(row: Row, tasks: Sequence[STS]) -> Iterator[tuple[str, Evaluation]]:
    """The figures of a row with its title, and after whitening where it whitens, fitted on the sentences of the scored split."""
    candidate = row.candidate
    once = EncodeOnce(candidate.encoder) if callable(candidate.encoder) else candidate.encoder
    yield row.title, evaluate_suite(tasks, once, name=candidate.name)
    if row.whitens:
        fitting = Fitting(fit_whitening, on_target)
        yield f"{row.title} + whitening", evaluate_suite(tasks, once, name=f"{candidate.name} + whitening", fitting=fitting)


def _section(table: Mapping[str, Sequence[Evaluation]], columns: Sequence[Column], limit: int | None) -> str:
    parts = [column_table(table, columns)]
    if LEXICAL in table:
        parts.append(
            overlap_leads(table[LEXICAL][0], {title: found for title, found in table.items() if title != LEXICAL}, columns)
        )
    if limit is not None:
        parts.append(f"**A trial on the first {limit} pairs of each set, not a measurement.**")
    return "\n\n".join(parts)


def _speed(options: argparse.Namespace) -> dict[str, str]:
    """The table of sizes and speeds; each row is timed in turn with the reference."""
    if options.chinese is None:
        raise UsageError("Speed is measured on the sentences of the Chinese STS-B test split. Name its folder with --zh.")
    if not options.keep_cores:
        keep_to(CORES)
    (task,) = chinese_five(options.chinese, ["test"], tasks=["STS-B"])
    texts = list(dict.fromkeys([*task.pairs.first, *task.pairs.second]))[: options.limit or SPEED_SENTENCES]
    folders = model_folders(options.encoder)
    rows = chosen_rows(options.rows, folders)
    asked = REFERENCE in folders and REFERENCE in rows
    others = [encode_of(row.candidate.encoder) for row in open_rows([REFERENCE] if asked else [], folders)]
    reference = (REFERENCE, others[0] if others else None)
    costs = []
    without_random = [name for name in rows if name != "random"]  # as fast as the encoder whose shape it has
    own = open_rows(without_random, folders, options.text, options.limit)
    for row in chain(own, hub_rows(chosen_models(options.hub, read_sizes()))):
        encode = row.candidate.encoder if callable(row.candidate.encoder) else gram_counts
        if row.folder is None:
            cost = timed(row.title, NOTHING, encode, texts, reference)
            costs.append(dataclasses.replace(cost, size=row.size, parameters=row.parameters))
        else:
            cost = timed(row.title, row.engine, encode, texts, reference)
            costs.append(dataclasses.replace(cost, size=size_of(row.folder), parameters=parameters_of(row.folder)))
    table = cost_table(costs, REFERENCE)
    return {"cost": table if options.limit is None else f"{table}\n\n**A trial on {len(texts)} sentences, not a measurement.**"}


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=re.split(r"\n\n", __doc__ or "")[0])
    parser.add_argument("--zh", dest="chinese", type=Path, metavar="DIR", help="the folder of ATEC, BQ, LCQMC, PAWSX, STS-B")
    parser.add_argument("--en", dest="english", type=Path, metavar="DIR", help="the folder of STS12.*.tsv …, stsb.test.tsv")
    parser.add_argument("--text", nargs="+", type=Path, default=[], metavar="FILE", help="Chinese text for the word vectors")
    parser.add_argument("--encoder", nargs="+", default=[], metavar="NAME=FOLDER", help="further rows")
    parser.add_argument("--hub", nargs="*", metavar="NAME", help="with --speed: also these of baselines/sizes.toml; none: all")
    parser.add_argument("--published", action="store_true", help="write the sizes of others and what was published of them")
    parser.add_argument("--rows", help="only these rows, with commas between: lexical,word-vectors,random,mini-base,…")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N pairs and lines of each file, to try it out")
    parser.add_argument("--speed", action="store_true", help="measure size and speed instead of scores; needs an idle machine")
    parser.add_argument("--keep-cores", action="store_true", help="with --speed: use all cores, not two")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="write the tables between the markers of this page")
    return parser.parse_args(arguments)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
