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
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from juyi.data import normalise, read_scored_pairs
from juyi.encoder import EncoderSettings, load_encoder
from juyi.experiments.defaults import default_recipe, is_isotropic
from juyi.experiments.examples import select_sentences
from juyi.experiments.load import apply_overrides
from juyi.experiments.recipe import DataSettings
from juyi.experiments.runner import run
from juyi.postprocessing import fit_whitening
from juyi.tasks import STS, EncodeOnce
from juyi.types import Embeddings

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
    parser.add_argument("-o", dest="overrides", action="append", default=[], help="a setting of the recipe of juyi adapt")
    arguments = parser.parse_args()
    for task in arguments.task or TASKS:
        for record in measure(arguments.data, task, arguments):
            print(json.dumps({"model": arguments.model, "task": task, "split": arguments.split, **record}), flush=True)


def measure(data: Path, name: str, arguments: argparse.Namespace) -> Sequence[dict[str, object]]:
    """The records of one task."""
    task = STS(name, arguments.split, read_scored_pairs(data / f"{name}.{arguments.split}.tsv"))
    sentences, source = unlabelled(data, name, task)
    raw = load_encoder(arguments.model)
    views = variants(raw.encode, sentences, task)
    records: list[dict[str, object]] = [
        {"variant": variant, "seed": None, "sentences": source, **score(task, values)} for variant, values in views.items()
    ]
    gentle = is_isotropic(raw, sentences)
    for seed in arguments.seed or (1, 2, 3):
        if seed < 0:
            continue
        recipe = default_recipe(
            len(sentences), int(raw.config.hidden_size), settings=EncoderSettings(model=arguments.model), gentle=gentle, seed=seed
        )
        recipe = apply_overrides(recipe, arguments.overrides)
        finished = run(recipe, arguments.runs, examples=sentences, log=lambda text: print(text, file=sys.stderr))
        trained = variants(finished.encoder.encode, sentences, task)
        for variant, values in (("simcse", trained["raw"]), ("simcse+whitening", trained["whitening"])):
            against = {f"minus_{other}": gap(task, values, views[other]) for other in ("raw", "whitening")}
            records.append({"variant": variant, "seed": seed, **score(task, values), **against})
    return records


def unlabelled(data: Path, name: str, task: STS) -> tuple[list[str], str]:
    """At most 10,000 distinct sentences of the task, none of them measured on, and the file they come from."""
    candidates = (f"{name}.train_clean.tsv", f"{name}.train.tsv", f"{name}.dev.tsv", f"{name}.test.tsv")
    file = next(file for file in candidates if (data / file).is_file() and file != f"{name}.{task.split}.tsv")
    pairs = read_scored_pairs(data / file)
    measured = {normalise(text) for text in (*task.pairs.first, *task.pairs.second)}
    texts = [text for text in (*pairs.first, *pairs.second) if normalise(text) not in measured]
    return select_sentences(texts, DataSettings(sample=10_000)), file


def variants(encode: object, sentences: list[str], task: STS) -> dict[str, np.ndarray]:
    """The similarities of the vectors as they are, and whitened with the sentences; every text is encoded once."""
    once = EncodeOnce(encode)  # type: ignore[arg-type]
    whitening = fit_whitening(once(sentences))

    def whitened(texts: Sequence[str]) -> Embeddings:
        return whitening(once(texts))

    return {"raw": task.similarities(once), "whitening": task.similarities(whitened)}


def score(task: STS, similarities: np.ndarray) -> dict[str, object]:
    """Spearman times 100 and its interval."""
    found = task.score(similarities)
    assert found.interval is not None
    return {"value": round(found.value, 2), "interval": [round(found.interval.low, 2), round(found.interval.high, 2)]}


def gap(task: STS, ours: np.ndarray, theirs: np.ndarray) -> list[float]:
    """The difference and its interval."""
    difference = task.difference(ours, theirs)
    return [round(value, 2) for value in (difference.value, difference.interval.low, difference.interval.high)]


if __name__ == "__main__":
    main()
