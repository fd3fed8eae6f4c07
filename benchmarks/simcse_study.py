"""Raw, whitening, SimCSE, SimCSE and whitening on the Chinese sets, over seeds: one JSON object a line.

    python benchmarks/simcse_study.py --data DIR --model mini-base --seed 1 --seed 2 --seed 3

The protocol of the Chinese experiments (kexue.fm 8348): 10,000 unlabelled sentences of the task, one epoch. What differs: no
sentence of the test split is among them. They come from `TASK.train_clean.tsv` (or `TASK.train.tsv`) where the folder has it,
else from the development split; whitening is fitted on the same ones. Differences are paired: the same resamples of the pairs.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from juyi.adaptation.backbone import Backbone
from juyi.adaptation.portfolio import Treatment
from juyi.data import normalise, read_scored_pairs
from juyi.encoder import EncoderSettings, load_encoder
from juyi.evaluation import Evaluation, compare_scores, evaluate_suite
from juyi.experiments.defaults import default_recipe, tells_apart
from juyi.experiments.examples import select_sentences
from juyi.experiments.load import apply_overrides
from juyi.experiments.recipe import DataSettings
from juyi.experiments.runner import run
from juyi.tasks import STS

TASKS = ("stsb", "lcqmc", "bq", "atec")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the Chinese sets, flat files")
    parser.add_argument("--model", default="", help="folder, hub id or embedded encoder")
    parser.add_argument("--task", action="append", choices=TASKS, help="default: all four")
    parser.add_argument("--seed", action="append", type=int, help="default: 1, 2, 3; none: -1")
    parser.add_argument("--split", default="test", help="what to measure on")
    parser.add_argument("--runs", type=Path, default=Path("runs/simcse-study"))
    parser.add_argument("--set", dest="overrides", action="append", default=[], help="a setting of the recipe of juyi adapt")
    arguments = parser.parse_args()
    for task in arguments.task or TASKS:
        for record in measure(arguments.data, task, arguments):
            print(json.dumps({"model": arguments.model, "task": task, "split": arguments.split, **record}), flush=True)


def measure(data: Path, name: str, arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The records of one task."""
    task = STS(name, arguments.split, read_scored_pairs(data / f"{name}.{arguments.split}.tsv"))
    sentences, source = unlabelled(data, name, task)
    before = Backbone(load_encoder(arguments.model), sentences)
    raw, whitening = evaluations(before, task, "raw", "whitening")
    for each in (raw, whitening):
        yield {"variant": each.name, "seed": None, "sentences": source, **figures(each)}
    gentle, width = tells_apart(before.plain, sentences), int(before.encoder.config.hidden_size)
    settings = EncoderSettings(model=arguments.model)
    for seed in arguments.seed or (1, 2, 3):
        if seed < 0:
            continue
        recipe = default_recipe(len(sentences), width, settings=settings, gentle=gentle, seed=seed)
        recipe = apply_overrides(recipe, arguments.overrides)
        finished = run(recipe, arguments.runs, examples=sentences, log=lambda text: print(text, file=sys.stderr))
        for each in evaluations(Backbone(finished.encoder, sentences), task, "simcse", "simcse+whitening"):
            against = {"minus_raw": difference_to(raw, each), "minus_whitening": difference_to(whitening, each)}
            yield {"variant": each.name, "seed": seed, **figures(each), **against}


def unlabelled(data: Path, name: str, task: STS) -> tuple[list[str], str]:
    """At most 10,000 distinct sentences of the task, none of them measured on, and the file they come from."""
    candidates = (f"{name}.train_clean.tsv", f"{name}.train.tsv", f"{name}.dev.tsv", f"{name}.test.tsv")
    file = next(file for file in candidates if (data / file).is_file() and file != f"{name}.{task.split}.tsv")
    pairs = read_scored_pairs(data / file)
    measured = {normalise(text) for text in (*task.pairs.first, *task.pairs.second)}
    texts = [text for text in (*pairs.first, *pairs.second) if normalise(text) not in measured]
    return select_sentences(texts, DataSettings(sample=10_000)), file


def evaluations(backbone: Backbone, task: STS, name: str, whitened: str) -> list[Evaluation]:
    """The figures of the vectors as they are, and whitened with the sentences; every text is encoded once."""
    treatments = {name: Treatment(), whitened: Treatment(whitening=1.0)}
    return [evaluate_suite([task], backbone.similarity(each), name=name) for name, each in treatments.items()]


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
