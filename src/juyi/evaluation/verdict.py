"""What comparisons mean, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from juyi.evaluation.compare import AHEAD, BEHIND, EVEN, Comparison, main_figures
from juyi.evaluation.signals import Signals
from juyi.tasks import FEWEST_UNITS, BootstrappedScore
from juyi.types import Score

FEW_UNITS = 30
"""With fewer units of equal size than about this many, an interval is a rough guide."""

_NAMES = {"raw": "The raw encoder", "whitening": "Whitening", "simcse": "SimCSE", "simcse+whitening": "SimCSE with whitening"}


def adaptation_verdict(scores: Mapping[str, Score], comparisons: Mapping[str, Comparison], signals: Mapping[str, Signals]) -> str:
    """One paragraph. Without scores it claims no improvement."""
    if not scores:
        return _without_labels(signals)
    parts = [_compared("SimCSE", "the raw encoder", comparisons["simcse-raw"])]
    parts.append(_compared("SimCSE", "whitening", comparisons["simcse-whitening"]))
    best = max(scores, key=lambda name: scores[name].value)
    count, units = scores[best].count, scores[best].units or scores[best].count
    groups = "" if units == count else f" in {units} groups"
    parts.append(f"{_NAMES[best]} scores highest, {scores[best].value:.1f} on {count} pairs{groups}.")
    if units < 200:
        parts.append(
            f"{units} {'pairs' if units == count else 'groups of pairs'} are few: the interval is wide. Label more to be sure."
        )
    if "transductive" in scores[best].labels:
        parts.append("Sentences of the pairs were among the training sentences (unlabelled), so the figures are transductive.")
    if (family := comparisons["simcse-raw"].family) > 1:
        parts.append(f"The words are corrected for {family} comparisons (Holm 1979); the intervals are those of one.")
    return " ".join(parts)


def _compared(name: str, other: str, comparison: Comparison) -> str:
    difference = comparison.difference
    if difference is None:
        return f"{name} and {other} cannot be compared: nearly all pairs hang together."
    low, high = difference.interval.low, difference.interval.high
    interval = f"{difference.value:+.1f} points, 95 % interval {low:+.1f} to {high:+.1f}"
    if comparison.standing == AHEAD:
        return f"{name} beats {other}: {interval}."
    if comparison.standing == BEHIND:
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


def comparison_verdict(compared: Sequence[Comparison], first: str, second: str) -> str:
    """Where the second stands against the first, and for how many comparisons that is corrected; empty where there are none."""
    counted = [each for each in main_figures(compared) if each.standing]
    if not counted:
        return ""
    names = {
        standing: [f"{each.first.task} {each.first.split}" for each in counted if each.standing == standing]
        for standing in (AHEAD, EVEN, BEHIND)
    }
    words = [f"ahead on {len(names[AHEAD])} of {len(counted)}"]
    words += [f"{standing} on {', '.join(names[standing])}" for standing in (EVEN, BEHIND) if names[standing]]
    family = counted[0].family
    corrected = f" Corrected for {family} comparisons (Holm 1979)." if family > 1 else ""
    return f"{second} against {first}: {'; '.join(words)}.{corrected}"


def units_note(found: Sequence[BootstrappedScore]) -> str:
    """What a reader of the intervals must know of the units behind them; empty where every item is one and they are many.

    It says what the second number of "10000 in 644" is, names the figures with fewer than about 30 units of equal size, whose
    intervals are wide and still a rough guide, and those whose items nearly all hang together, which have no interval.
    """
    drawn = [each for each in found if each.units is not None and each.score.units is not None]
    parts = []
    if any(each.score.units != each.score.count for each in drawn):
        parts.append(
            "n in groups: items that share a sentence, a relevant text or an intent are one group, and intervals are drawn over "
            "groups."
        )
    few = [each for each in drawn if each.replicates is not None and each.effective < FEW_UNITS]
    if few:
        parts.append(f"Few independent groups or items, so that intervals are a rough guide: {_listed(few)}.")
    none = [each for each in drawn if each.replicates is None and each.effective < FEWEST_UNITS]
    if none:
        parts.append(f"No interval where nearly all items are one group: {_listed(none)}.")
    return " ".join(parts)


def _listed(found: Sequence[BootstrappedScore]) -> str:
    """Each task or sub-task once, with its number of groups."""
    names: dict[str, str] = {}
    for each in found:
        name = " ".join(filter(None, (each.score.task, each.score.split, each.score.subset)))
        like = "" if each.effective > 0.9 * (each.score.units or 0) else f", so unequal that they weigh like {each.effective:.0f}"
        names.setdefault(name, f"{name} ({each.score.units}{like})")
    return ", ".join(names.values())
