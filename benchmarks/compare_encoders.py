"""The comparison of encoders: measures every row and writes the tables of docs/comparison.md, so that no figure is typed by hand.

Prints one JSON object a score on stdout, talk on stderr. Speed is measured apart from the scores, on an idle machine:

    python benchmarks/compare_encoders.py --zh DIR --en DIR --text FILE… --write docs/comparison.md
    python benchmarks/compare_encoders.py --zh DIR --text FILE… --speed --write docs/comparison.md
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from baselines.contenders import LEXICAL, REFERENCE, Contender, chosen_rows, contenders, from_folder, model_folders
from baselines.cost import CORES, keep_to, parameters_of, size_of, timed
from baselines.page import NOTHING, check_page, cost_table, overlap_leads, score_table, write_sections
from baselines.sets import chinese_sets, english_sets
from juyi.baselines import LexicalOverlap, gram_counts
from juyi.errors import JuyiError, UsageError
from juyi.evaluation import Fitting, on_target
from juyi.metrics import Difference
from juyi.postprocessing import fit_whitening
from juyi.suites import chinese_five
from juyi.tasks import ALL, STS, EncodeOnce
from juyi.types import Score

LANGUAGES = ("chinese", "english")
SPEED_SENTENCES = 2000

Sets = Mapping[str, Sequence[STS]]
"""By language, in the order of the columns."""


@dataclasses.dataclass(frozen=True, eq=False)
class BootstrappedScore:
    """One cell: the similarities that a row gives to the pairs of a task."""

    row: str
    model: str
    task: STS
    similarities: NDArray[np.float64]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what the arguments ask for."""
    options = _options(arguments)
    try:
        if options.write is not None:
            check_page(options.write, ["cost"] if options.speed else [name for name in LANGUAGES if getattr(options, name)])
        sections = _speed(options) if options.speed else _scores(options)
        if options.write is not None:
            write_sections(options.write, sections)
    except JuyiError as error:
        sys.exit(f"Error: {error}")


def _scores(options: argparse.Namespace) -> dict[str, str]:
    """The tables of all languages that data were given for."""
    readers = {"chinese": chinese_sets, "english": english_sets}
    sets = {name: read(getattr(options, name), options.limit) for name, read in readers.items() if getattr(options, name)}
    if not sets:
        raise UsageError("There is nothing to measure on. Name a folder with --zh, or --en, or both.")
    folders = model_folders(options.encoder)
    rows = chosen_rows(options.rows, folders)
    cells: dict[str, dict[str, dict[str, list[Score]]]] = {name: {} for name in sets}
    leads: dict[str, dict[str, dict[str, list[Difference]]]] = {name: {} for name in sets}
    lexical: dict[tuple[str, str], NDArray[np.float64]] = {}
    for language, measured in _all_measured(options, rows, sets):
        column = str(measured.task)
        for table in cells.values():
            table.setdefault(measured.row, {})  # a row that knows no English stands there with dashes
        for score in (each.score for each in measured.task.measure_similarities(measured.similarities)):
            print(json.dumps(score.as_record(measured.model), ensure_ascii=False), flush=True)
            if score.subset in ("", ALL):
                cells[language].setdefault(measured.row, {}).setdefault(column, []).append(score)
        if measured.row == LEXICAL:
            lexical[language, column] = measured.similarities
        elif (language, column) in lexical:
            lead = measured.task.difference(lexical[language, column], measured.similarities)
            leads[language].setdefault(measured.row, {}).setdefault(column, []).append(lead)
    sections = {name: score_table(cells[name], [str(task) for task in sets[name]]) for name in sets}
    for name in sections:
        if LEXICAL in cells[name]:
            sections[name] += f"\n\n{overlap_leads(leads[name])}"
        if options.limit is not None:
            sections[name] += f"\n\n**A trial on the first {options.limit} pairs of each set, not a measurement.**"
    return sections


def _all_measured(options: argparse.Namespace, rows: Sequence[str], sets: Sets) -> Iterator[tuple[str, BootstrappedScore]]:
    """Every cell with its language; lexical overlap comes first, one model after the other."""
    if "lexical" in rows:
        for language, tasks in sets.items():
            for task in tasks:
                found = LexicalOverlap().pairs(task.pairs.first, task.pairs.second)
                yield language, BootstrappedScore(LEXICAL, LEXICAL, task, found)
    for contender in contenders(rows, model_folders(options.encoder), options.text, options.limit):
        for language, tasks in sets.items():
            if language in contender.languages:
                _say(f"{contender.model}, {language} …")
                yield from ((language, measured) for measured in measure(contender, tasks))


def measure(contender: Contender, tasks: Sequence[STS]) -> Iterator[BootstrappedScore]:
    """The cells of a contender, and after whitening where it whitens: fitted on the sentences of all splits of the task."""
    for name in dict.fromkeys(task.name for task in tasks):
        own = [task for task in tasks if task.name == name]
        memo = EncodeOnce(contender.encode)
        for task in own:
            yield BootstrappedScore(contender.row, contender.model, task, task.similarities(memo))
        if contender.whitens:
            whitening = Fitting(fit_whitening, on_target(own))
            row, model = f"{contender.row} + whitening", f"{contender.model} + whitening"
            for task in own:
                labelled = dataclasses.replace(task, labels=(*task.labels, "transductive"))
                yield BootstrappedScore(row, model, labelled, labelled.similarities(whitening.encode(task, memo)))


def _speed(options: argparse.Namespace) -> dict[str, str]:
    """The table of sizes and speeds; each row is timed in turn with the reference."""
    if options.chinese is None:
        raise UsageError("Speed is measured on the sentences of the Chinese STS-B test split. Name its folder with --zh.")
    keep_to(CORES)
    (task,) = chinese_five(options.chinese, ["test"], tasks=["STS-B"])
    texts = list(dict.fromkeys([*task.pairs.first, *task.pairs.second]))[: options.limit or SPEED_SENTENCES]
    folders = model_folders(options.encoder)
    rows = chosen_rows(options.rows, folders)
    reference = (REFERENCE, from_folder(REFERENCE, folders[REFERENCE]).encode if REFERENCE in folders else None)
    costs = []
    if "lexical" in rows:
        costs.append(timed(LEXICAL, NOTHING, gram_counts, texts, reference))
    without_random = [row for row in rows if row != "random"]  # as fast as the encoder whose shape it has
    for contender in contenders(without_random, folders, options.text, options.limit):
        if contender.folder is None:
            cost = timed(contender.row, NOTHING, contender.encode, texts, reference)
            costs.append(dataclasses.replace(cost, size=contender.size, parameters=contender.parameters))
        else:
            engine = "onnx" if (contender.folder / "model.onnx").is_file() else "torch"
            cost = timed(contender.row, engine, contender.encode, texts, reference)
            size, parameters = size_of(contender.folder), parameters_of(contender.folder)
            costs.append(dataclasses.replace(cost, size=size, parameters=parameters))
    table = cost_table(costs, REFERENCE)
    return {"cost": table if options.limit is None else f"{table}\n\n**A trial on {len(texts)} sentences, not a measurement.**"}


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=re.split(r"\n\n", __doc__ or "")[0])
    parser.add_argument("--zh", dest="chinese", type=Path, metavar="DIR", help="the folder of ATEC, BQ, LCQMC, PAWSX, STS-B")
    parser.add_argument("--en", dest="english", type=Path, metavar="DIR", help="the folder of STS12.*.tsv …, stsb.test.tsv")
    parser.add_argument("--text", nargs="+", type=Path, default=[], metavar="FILE", help="Chinese text for the word vectors")
    parser.add_argument("--encoder", nargs="+", default=[], metavar="NAME=FOLDER", help="further rows")
    parser.add_argument("--rows", help="only these rows, with commas between: lexical,word-vectors,random,mini-base,…")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N pairs and lines of each file, to try it out")
    parser.add_argument("--speed", action="store_true", help="measure size and speed instead of scores; needs an idle machine")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="write the tables between the markers of this page")
    return parser.parse_args(arguments)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
