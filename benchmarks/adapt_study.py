"""What `juyi adapt` decides, against labels that it never saw.

Each set is divided by units that share no text: one half is given to `juyi adapt`, on the other the recommended encoder is
compared with the raw one. One JSON object a line: what was recommended, the gain that was printed, and the gain that the
held-out half shows.

    python benchmarks/adapt_study.py --data DIR --set bq-groups --set atec-pairs --model mini --seed 1 --labels 400
    python benchmarks/adapt_study.py --read docs/results/adapt_study.jsonl --write docs/adapt.md

`--labels` limits how many rows are given, at most 4,000; so many are measured on at most.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from juyi.adaptation import RAW, AdaptOptions, Evidence, IntentEvidence, PairEvidence, QuestionEvidence, adapt
from juyi.adaptation.evidence import limited
from juyi.data import LabelledTexts, ScoredPairs, normalise, read_labelled_texts, read_scored_pairs
from juyi.encoder import EncoderSettings, load_encoder
from juyi.evaluation import FusedSimilarity
from juyi.metrics import Bootstrap, Units, connected, mean_statistic
from juyi.report import Picture, Point, drawn
from juyi.similarity_settings import read_similarity_settings
from juyi.tasks import BootstrappedScore, Cosine, PairClassification, Similarity
from juyi.tasks.bootstrapped_score import bootstrapped
from juyi.tasks.retrieval import retrieval_from_groups
from juyi.types import Score
from markdown import put, table

MOST = 4_000
CURVE = ("bq-groups", "atec-pairs", "banking77")
CURVE_MODEL = "mini"
Reader = Callable[[Path], Evidence]


def _groups(name: str) -> Reader:
    def read(folder: Path) -> Evidence:
        return QuestionEvidence(
            "groups", retrieval_from_groups(name, "given", read_labelled_texts(folder / "faq" / f"groups_{name}.tsv"))
        )

    return read


def _pairs(*files: str) -> Reader:
    def read(folder: Path) -> Evidence:
        parts = [read_scored_pairs(folder / file) for file in files]
        first, second = ([text for part in parts for text in getattr(part, side)] for side in ("first", "second"))
        return PairEvidence("pairs", ScoredPairs(first, second, np.concatenate([part.scores for part in parts])))

    return read


def _intents(columns: tuple[str, str], *files: str) -> Reader:
    def read(folder: Path) -> Evidence:
        known: dict[str, tuple[str, str]] = {}
        for file in files:
            rows = read_labelled_texts(folder / "faq" / file, columns=columns)
            for label, text in zip(rows.labels, rows.texts, strict=True):
                known.setdefault(normalise(text), (label, text))
        labels, texts = ([row[side] for row in known.values()] for side in (0, 1))
        return IntentEvidence("intents", LabelledTexts(labels, texts))

    return read


SETS: dict[str, Reader] = {
    "bq-groups": _groups("bq"),
    "lcqmc-groups": _groups("lcqmc"),
    "insurance-pairs": _pairs("faq/insurance_zhidao_pairs.dev.tsv", "faq/insurance_zhidao_pairs.test.tsv"),
    "atec-pairs": _pairs("zh_sts/atec.train_clean.tsv"),
    "afqmc-pairs": _pairs("zh_sts/afqmc.train_clean.tsv"),
    "banking77": _intents(("1", "2"), "banking77.train.tsv", "banking77.test.tsv"),
    "smp2019": _intents(("2", "3"), "smp2019_nlu.train.tsv"),
    "clinc150": _intents(("2", "3"), "clinc150.data_small.tsv"),
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="the folder that holds faq/ and zh_sts/")
    parser.add_argument("--set", dest="sets", action="append", choices=SETS, help="default: all")
    parser.add_argument("--model", action="append", help="folder, hub id or embedded encoder; default: mini")
    parser.add_argument("--seed", action="append", type=int, help="default: 1")
    parser.add_argument("--labels", type=int, default=MOST, help="rows that are given at most")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--portfolio", default="default")
    parser.add_argument("--read", type=Path, help="what was measured before")
    parser.add_argument("--write", type=Path, help="put its tables into this page, the picture beside it")
    arguments = parser.parse_args()
    if arguments.read:
        write([json.loads(line) for line in arguments.read.read_text(encoding="utf-8").splitlines()], arguments.write)
        return
    if arguments.data is None:
        parser.error("--data is needed to measure, --read to make a table of what was measured")
    for name in arguments.sets or SETS:
        for model in arguments.model or ["mini"]:
            for seed in arguments.seed or [1]:
                print(json.dumps(measured(name, model, seed, arguments), ensure_ascii=False), flush=True)


def write(records: Sequence[dict[str, Any]], path: Path) -> None:
    """Put the tables into a page, and the picture beside it."""
    page = path.read_text(encoding="utf-8")
    full = [each for each in records if each["given"] == MOST]
    curve = [each for each in records if each["set"] in CURVE and each["model"] == CURVE_MODEL and each["seed"] == 1]
    curve.sort(key=lambda each: each["given"])
    page = put(page, "adapt-study", study(full))
    path.write_text(put(page, "label-curve", by_set(curve)), encoding="utf-8")
    (path.parent / "results" / "label_curve.svg").write_text(label_picture(curve), encoding="utf-8")


def measured(name: str, model: str, seed: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """The record of one set, one model and one seed."""
    whole = SETS[name](arguments.data)
    given, held = divided(whole, seed)
    given = limited(given, arguments.labels, seed=seed)
    options = AdaptOptions(EncoderSettings(model=model), arguments.portfolio, arguments.minutes, seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        result = adapt([], out, [given], options, log=lambda text: print(text, file=sys.stderr))
        after = FusedSimilarity(load_encoder(out / "model").encode, read_similarity_settings(out / "model").overlap)
    before = Cosine(load_encoder(EncoderSettings(model=model)).encode)
    held = limited(held, MOST, seed=seed)
    first, second = (figure(name, given, held, similarity) for similarity in (before, after))
    difference = second.difference(first)
    gain = result.choice.gain if result.choice else None
    return {
        "benchmark": "adapt",
        "set": name,
        "model": Path(model).name,
        "seed": seed,
        "portfolio": arguments.portfolio,
        "minutes": arguments.minutes,
        "cores": torch.get_num_threads(),
        "given": arguments.labels,
        "labels": len(given.rows()),
        "units": round(result.units),
        "recommended": result.recommended,
        "printed_gain": None if gain is None else [gain.value, gain.interval.low, gain.interval.high],
        "metric": first.score.metric,
        "count": first.score.count,
        "raw": first.score.value,
        "after": second.score.value,
        "gain": None if difference is None else [difference.value, difference.interval.low, difference.interval.high],
    }


def study(records: Sequence[dict[str, Any]]) -> str:
    """A table for each model: a row for each set, in it a line for each seed, and the mean gain over all of them."""
    parts = []
    for model in dict.fromkeys(each["model"] for each in records):
        own = sorted((each for each in records if each["model"] == model), key=lambda each: each["seed"])
        seeds = ", ".join(str(seed) for seed in sorted({each["seed"] for each in own}))
        parts.append(f"**{model}**, seeds {seeds}:\n\n{by_set(own)}\n{_mean_gain(own)}")
    return "\n".join(parts)


def by_set(records: Sequence[dict[str, Any]]) -> str:
    """A row for each set, in it a line for each record."""
    titles = ["set", "labels in units", "recommended", "printed gain (90 %)", "raw → after", "held-out gain (95 %)"]
    rows = []
    for name in SETS:
        if runs := [each for each in records if each["set"] == name]:
            rows.append([f"{name} ({runs[0]['metric']})", *map("<br>".join, zip(*map(_cells, runs), strict=True))])
    return table(titles, rows)


def label_picture(records: Sequence[dict[str, Any]]) -> str:
    """The held-out gain over the number of labels that were asked for, as a picture."""
    series: dict[str, list[Point]] = {}
    for name in dict.fromkeys(each["set"] for each in records):
        found = sorted((each for each in records if each["set"] == name), key=lambda each: each["given"])
        series[f"{name} ({found[0]['metric']})"] = [Point(each["given"], *_held_out(each)) for each in found]
    title, up = "What labels are worth to juyi adapt", "held-out gain, points"
    return drawn(Picture(title, "labels given, at most", up, series, logarithmic=True))


def _cells(record: dict[str, Any]) -> list[str]:
    return [
        f"{record['labels']:,} in {record['units']:,}",
        record["recommended"],
        _gain(record["printed_gain"]),
        f"{record['raw']:.1f} → {record['after']:.1f}",
        _gain(record["gain"]) if record["recommended"] != RAW else "0",
    ]


def _held_out(record: dict[str, Any]) -> tuple[float, float, float]:
    if record["recommended"] == RAW or record["gain"] is None:
        return 0.0, 0.0, 0.0
    value, low, high = record["gain"]
    return value, low, high


def _mean_gain(records: Sequence[dict[str, Any]]) -> str:
    worse = sum(_held_out(each)[2] < 0 for each in records)
    below = "never" if not worse else f"in {worse} of {len(records)} runs"
    gains = [each["after"] - each["raw"] for each in records]
    return f"Mean held-out gain {np.mean(gains):+.1f} over {len(records)} runs; certainly below raw {below}.\n"


def _gain(gain: Sequence[float] | None) -> str:
    return "–" if gain is None else f"{gain[0]:+.1f} ({gain[1]:+.1f} – {gain[2]:+.1f})"


def divided(evidence: Evidence, seed: int) -> tuple[Evidence, Evidence]:
    """Two halves that share no text, by whole units."""
    components = connected([[normalise(text) for text in row] for row in evidence.rows()])
    order = np.random.default_rng(seed).permutation(int(components.max()) + 1)
    first = np.isin(components, order[: len(order) // 2])
    return evidence.subset(np.flatnonzero(first).tolist()), evidence.subset(np.flatnonzero(~first).tolist())


def figure(name: str, given: Evidence, held: Evidence, similarity: Similarity) -> BootstrappedScore:
    """The main figure on the held-out labels; of intents with the given queries as examples.

    The intents are those that will be used, so that a unit of their accuracy is a query, as in `juyi adapt`.
    """
    match held, given:
        case QuestionEvidence(), _:
            return held.retrieval.measure(similarity)[0]
        case PairEvidence(), _:
            return PairClassification(name, "held-out", held.pairs).measure(similarity)[0]
        case IntentEvidence(), IntentEvidence():
            known = set(given.labelled.labels) - {"oos"}
            examples, asked = (
                each.subset([place for place, label in enumerate(each.labelled.labels) if label in known]).labelled
                for each in (given, held)
            )
            hits = similarity.nearest(asked.texts, examples.texts, 1).ids[:, 0].tolist()
            right = [examples.labels[hit] == label for hit, label in zip(hits, asked.labels, strict=True)]
            identity = Score(name, "held-out", "accuracy", 0.0, len(right))
            return bootstrapped(identity, mean_statistic(right), Bootstrap(), Units.single(len(right)))
    raise AssertionError(name)


if __name__ == "__main__":
    main()
