"""What the comparison means, in words."""

from __future__ import annotations

from collections.abc import Mapping

from juyi.experiments.signals import Signals
from juyi.metrics import Difference
from juyi.types import Score

_NAMES = {"raw": "The raw encoder", "whitening": "Whitening", "simcse": "SimCSE", "simcse+whitening": "SimCSE with whitening"}


def verdict(scores: Mapping[str, Score], differences: Mapping[str, Difference], signals: Mapping[str, Signals]) -> str:
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
