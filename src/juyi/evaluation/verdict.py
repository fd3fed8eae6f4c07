"""What comparisons mean, in words."""

from __future__ import annotations

from collections.abc import Sequence

from juyi.evaluation.compare import AHEAD, BEHIND, EVEN, Comparison, main_figures
from juyi.tasks import FEWEST_UNITS, BootstrappedScore

FEW_UNITS = 30
"""With fewer units of equal size than about this many, an interval is a rough guide."""


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
