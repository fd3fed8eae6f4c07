"""What comparisons mean, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from juyi.evaluation.compare import AHEAD, BEHIND, EVEN, Comparison
from juyi.evaluation.signals import Signals
from juyi.metrics import Difference
from juyi.suites import AVERAGE, WEIGHTED_AVERAGE, WHOLE
from juyi.tasks import ALL
from juyi.types import Score

AVERAGES = (AVERAGE, WEIGHTED_AVERAGE)
COUNTED_ELSEWHERE = (*AVERAGES, WHOLE)
"""Splits that hold what other splits hold."""

_NAMES = {"raw": "The raw encoder", "whitening": "Whitening", "simcse": "SimCSE", "simcse+whitening": "SimCSE with whitening"}


def adaptation_verdict(scores: Mapping[str, Score], differences: Mapping[str, Difference], signals: Mapping[str, Signals]) -> str:
    """One paragraph. Without scores it claims no improvement."""
    if not scores:
        return _without_labels(signals)
    parts = [_compare("SimCSE", "the raw encoder", differences["simcse-raw"])]
    parts.append(_compare("SimCSE", "whitening", differences["simcse-whitening"]))
    best = max(scores, key=lambda name: scores[name].value)
    count = scores[best].count
    parts.append(f"{_NAMES[best]} scores highest, {scores[best].value:.1f} on {count} pairs.")
    if count < 200:
        parts.append(f"{count} pairs are few: the interval is wide. Label more to be sure.")
    if "transductive" in scores[best].labels:
        parts.append("Sentences of the pairs were among the training sentences (unlabelled), so the figures are transductive.")
    return " ".join(parts)


def _compare(name: str, other: str, difference: Difference) -> str:
    low, high = difference.interval.low, difference.interval.high
    interval = f"{difference.value:+.1f} points, 95 % interval {low:+.1f} to {high:+.1f}"
    if low > 0:
        return f"{name} beats {other}: {interval}."
    if high < 0:
        return f"{name} is worse than {other}: {interval}. Keep {other}."
    return f"{name} and {other} cannot be told apart on these pairs: {interval}."


def _without_labels(signals: Mapping[str, Signals]) -> str:
    raw, trained = signals["raw"], signals["simcse"]
    text = (
        "There are no labelled pairs, so nothing is claimed about quality. What can be seen without labels: "
        f"uniformity went from {raw.uniformity:.2f} to {trained.uniformity:.2f} (lower is more evenly spread), the mean cosine "
        f"of two different sentences from {raw.anisotropy:.2f} to {trained.anisotropy:.2f}, the effective rank from "
        f"{raw.effective_rank:.0f} to {trained.effective_rank:.0f}"
    )
    if raw.alignment is not None and trained.alignment is not None:
        text += f", the distance of two dropout views from {raw.alignment:.3f} to {trained.alignment:.3f} (lower is steadier)"
    if trained.uniformity > -0.5 or trained.effective_rank < 5:
        return text + ". The vectors have collapsed: do not use this model; lower the learning rate."
    return text + ". Nothing looks ill. Label pairs_to_label.tsv (scores 0 to 5) and run again with --pairs to know more."


def main_figures(compared: Sequence[Comparison]) -> list[Comparison]:
    """The first metric of each task, without its sub-tasks and without averages: what a sentence can count."""
    main: dict[str, str] = {}
    for each in compared:
        main.setdefault(each.first.task, each.first.metric)
    return [
        each
        for each in compared
        if each.first.subset in ("", ALL)
        and each.first.metric == main[each.first.task]
        and each.first.task not in AVERAGES
        and each.first.split not in COUNTED_ELSEWHERE
    ]


def comparison_verdict(compared: Sequence[Comparison], first: str, second: str) -> str:
    """Where the second stands against the first, in one sentence; empty where nothing was compared."""
    counted = [each for each in main_figures(compared) if each.standing]
    if not counted:
        return ""
    names = {
        standing: [f"{each.first.task} {each.first.split}" for each in counted if each.standing == standing]
        for standing in (AHEAD, EVEN, BEHIND)
    }
    words = [f"ahead on {len(names[AHEAD])} of {len(counted)}"]
    words += [f"{standing} on {', '.join(names[standing])}" for standing in (EVEN, BEHIND) if names[standing]]
    return f"{second} against {first}: {'; '.join(words)}."
