"""What each objective makes of an encoder, on real Chinese data and over seeds: one JSON object a line, or a page.

    python benchmarks/objective_study.py --data DIR [--model mini-base] > study.jsonl
    python benchmarks/objective_study.py --read study.jsonl --write docs/objectives.md

Each case is a recipe and the files it learns from; the folder holds `zh_sts/` and `zh_nli/`. No sentence that is measured on is
among those learned from. Differences are paired: the same resamples of the pairs.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from juyi.data import normalise, read_scored_pairs
from juyi.encoder import load_encoder
from juyi.evaluation import Evaluation, compare_scores, evaluate_suite
from juyi.experiments.examples import Examples, read_examples, select_examples
from juyi.experiments.load import load_recipe
from juyi.experiments.recipe import TrainRecipe
from juyi.experiments.runner import run
from juyi.objectives import SENTENCES
from juyi.tasks import STS
from markdown import put, table

TASKS = ("stsb", "lcqmc", "bq", "atec")
_STSB = ("zh_sts/stsb.train_clean.tsv",)
_NLI = ("zh_nli/triplets.nli_strict.tsv",)
_SCORED = (*_STSB, "zh_sts/atec.train_clean.tsv", "zh_sts/afqmc.train_clean.tsv")
_LABELLED = ("zh_nli/ocnli.train_10k.tsv", "zh_nli/snli.dev.tsv", "zh_nli/mnli.dev.tsv")


@dataclass(frozen=True)
class Case:
    """A recipe, what it learns from, and what is changed about it."""

    recipe: str
    files: tuple[str, ...]
    overrides: tuple[str, ...] = ()


STUDIES = {
    "objectives": {
        "SimCSE": Case("zh/simcse", _STSB),
        "ESimCSE": Case("zh/esimcse", _STSB),
        "ESimCSE, words": Case("zh/esimcse", _STSB, ("objective.unit=words",)),
        "ESimCSE, as released": Case("zh/esimcse", _STSB, ("objective.variant=released",)),
        "ESimCSE, no queue": Case("zh/esimcse", _STSB, ("objective.queue_size=0",)),
        "Contrastive Tension": Case("zh/contrastive-tension", _STSB),
        "supervised SimCSE, triplets": Case("zh/supervised", _NLI),
        "supervised SimCSE, pairs": Case("zh/supervised", _NLI, ("objective.hard_negatives=false", "data.columns=['1', '2']")),
        "supervised SimCSE, anchors both": Case("zh/supervised", _NLI, ("objective.anchors=both",)),
        "triplet": Case("zh/triplet", _NLI),
        "SBERT, labelled pairs": Case("zh/sbert", _LABELLED),
        "CoSENT, STS-B alone": Case("zh/cosent", _STSB),
        "CoSENT, temperature 0.05": Case("zh/cosent", _STSB, ("objective.temperature=0.05",)),
        "CoSENT, STS-B + ATEC + AFQMC": Case("zh/cosent", _SCORED, ("training.epochs=1",)),
    },
}


def main() -> None:
    """Measure and print, or make the table of what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="the folder that holds zh_sts/ and zh_nli/")
    parser.add_argument("--model", action="append", help="folder, hub id or embedded encoder; default: the embedded one")
    parser.add_argument("--study", choices=STUDIES, default="objectives", help="which cases")
    parser.add_argument("--case", action="append", help="a case of the study; default: all")
    parser.add_argument("--seed", action="append", type=int, help="default: 1, 2, 3")
    parser.add_argument("--task", action="append", choices=TASKS, help="default: stsb")
    parser.add_argument("--split", default="test", help="what to measure on")
    parser.add_argument("--runs", type=Path, default=Path("runs/objective-study"))
    parser.add_argument("--set", dest="overrides", action="append", default=[], help="a setting of all recipes")
    parser.add_argument("--read", type=Path, help="what was measured before")
    parser.add_argument("--write", type=Path, help="put its tables at the places of this page that are called as the studies")
    arguments = parser.parse_args()
    if arguments.read:
        records = [json.loads(line) for line in arguments.read.read_text(encoding="utf-8").splitlines()]
        page = arguments.write.read_text(encoding="utf-8")
        for name in dict.fromkeys(record["study"] for record in records):
            page = put(page, name, study([record for record in records if record["study"] == name]))
        arguments.write.write_text(page, encoding="utf-8")
        return
    if arguments.data is None:
        parser.error("--data is needed to measure, --read to make a table of what was measured")
    for model in arguments.model or ["mini"]:
        for record in measure(model, arguments):
            print(json.dumps(record, ensure_ascii=False), flush=True)


def measure(model: str, arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The raw encoder on every task, then every case and seed."""
    pairs = {
        name: read_scored_pairs(arguments.data / f"zh_sts/{name}.{arguments.split}.tsv") for name in arguments.task or ["stsb"]
    }
    tasks = {name: STS(name, arguments.split, found) for name, found in pairs.items()}
    before = evaluate_suite([*tasks.values()], load_encoder(model).encode, name="raw")
    common = {"study": arguments.study, "model": model, "split": arguments.split}
    cases = STUDIES[arguments.study]
    for name in tasks:
        yield {**common, "case": "raw", "task": name, "seed": None, **figures(before.only(name))}
    measured = {normalise(text) for found in pairs.values() for text in (*found.first, *found.second)}
    for case in arguments.case or cases:
        recipe, examples = prepared(cases[case], arguments, model, measured)
        for seed in arguments.seed or (1, 2, 3):
            drawn = replace(recipe, data=replace(recipe.data, seed=seed), training=replace(recipe.training, seed=seed))
            count = len(next(iter(select_examples(examples, drawn.data).values())))
            began = time.monotonic()
            trained = run(drawn, arguments.runs, examples=examples, log=lambda text: print(text, file=sys.stderr))
            facts = {"rows": count, "seconds": round(time.monotonic() - began)}
            after = evaluate_suite([*tasks.values()], trained.encoder.encode, name=case)
            for name in tasks:
                gain = difference_to(before.only(name), after.only(name))
                yield {
                    **common,
                    "case": case,
                    "task": name,
                    "seed": seed,
                    **figures(after.only(name)),
                    "minus_raw": gain,
                    **facts,
                }


def prepared(case: Case, arguments: argparse.Namespace, model: str, measured: set[str]) -> tuple[TrainRecipe, Examples]:
    """The recipe on this encoder, and its rows without any that has a sentence to measure on."""
    recipe = load_recipe(case.recipe, (*case.overrides, f"encoder.model={model}", *arguments.overrides))
    assert isinstance(recipe, TrainRecipe)
    files = tuple(str(arguments.data / file) for file in case.files)
    kind = "texts" if "text" in recipe.objective.columns else "pairs"
    examples = read_examples(recipe.objective, replace(recipe.data, **{kind: files}))  # type: ignore[arg-type]
    names = [name for name in examples if name in SENTENCES]
    rows = zip(*(examples[name] for name in names), strict=True)
    kept = [i for i, row in enumerate(rows) if measured.isdisjoint(map(normalise, row))]
    return recipe, {name: [column[i] for i in kept] for name, column in examples.items()}


def study(records: list[dict[str, Any]]) -> str:
    """A table an encoder: a row a case, the seeds' figures one after the other."""
    parts = []
    for model in dict.fromkeys(record["model"] for record in records):
        own = [record for record in records if record["model"] == model]
        tasks = list(dict.fromkeys(record["task"] for record in own))
        titles = [f"`{model}`", "rows", *(column for task in tasks for column in (task, f"{task} − raw"))]
        rows = []
        for case in dict.fromkeys(record["case"] for record in own):
            found = [record for record in own if record["case"] == case]
            cells = [case, f"{found[0]['rows']:,}" if "rows" in found[0] else ""]
            for task in tasks:
                seeds = [record for record in found if record["task"] == task]
                cells.append(", ".join(f"{record['value']:.1f}" for record in seeds))
                cells.append(", ".join(_gain(record["minus_raw"]) for record in seeds if "minus_raw" in record))
            rows.append(cells)
        parts.append(table(titles, rows))
    return "\n".join(parts)


def _gain(difference: list[float]) -> str:
    value, low, high = difference
    return f"{value:+.1f} ({low:+.1f} – {high:+.1f})"


def figures(evaluation: Evaluation) -> dict[str, Any]:
    """Spearman times 100, its interval, and in how many groups of pairs it was drawn."""
    score = evaluation.scores[0]
    interval = None if score.interval is None else [round(score.interval.low, 2), round(score.interval.high, 2)]
    return {"value": round(score.value, 2), "interval": interval, "count": score.count, "units": score.units}


def difference_to(first: Evaluation, second: Evaluation) -> list[float] | None:
    """By how much the second exceeds the first, and the ends of the interval."""
    difference = compare_scores(first.bootstrapped, second.bootstrapped)[0].difference
    if difference is None:
        return None
    return [round(value, 2) for value in (difference.value, difference.interval.low, difference.interval.high)]


if __name__ == "__main__":
    main()
