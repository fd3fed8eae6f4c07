"""What the records of the label-free study say: does a signal move as the gain does, on sets that it was not judged by?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.linear_model import Ridge

from juyi.metrics import mean_interval, spearman
from markdown import put, table

RAW = "raw"
TOGETHER = "all of them together"


@dataclass(frozen=True)
class Group:
    """The ways of one encoder on one set, without the encoder as it was.

    Attributes:
        changes: By how much each signal moved, name to (ways,).
        gains: What each way gained, with the ends of its interval, (ways, 3).
    """

    set: str
    model: str
    ways: tuple[str, ...]
    changes: Mapping[str, NDArray[np.float64]]
    gains: NDArray[np.float64]

    def ranks(self, names: Sequence[str]) -> NDArray[np.float64]:
        """The rank of each way by each signal, from -1 to 1; 0 where a signal does not exist, (ways, names)."""
        missing = np.zeros(len(self.ways))
        columns = [2 * (_ranks(self.changes[name]) - 0.5) if name in self.changes else missing for name in names]
        return np.stack(columns, axis=1)


def write(records: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Put the tables into a page."""
    groups = groups_of(records)
    page = path.read_text(encoding="utf-8")
    path.write_text(put(page, "label-free", signals_table(groups)), encoding="utf-8")


def groups_of(records: Sequence[Mapping[str, Any]]) -> list[Group]:
    """The records by set and encoder."""
    together: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = defaultdict(dict)
    for record in records:
        together[record["set"], record["model"]][record["way"]] = record
    groups = []
    for (name, model), by_way in together.items():
        raw, others = by_way[RAW]["signals"], [record for way, record in by_way.items() if way != RAW]
        known = [signal for signal in raw if all(signal in record["signals"] for record in others)]
        changes = {signal: np.array([record["signals"][signal] - raw[signal] for record in others]) for signal in known}
        gains = np.array([record["gain"] for record in others])
        groups.append(Group(name, model, tuple(record["way"] for record in others), changes, gains))
    return groups


def signals_table(groups: Sequence[Group]) -> str:
    """A row for each signal, the one that orders the ways best first."""
    names = list(dict.fromkeys(name for group in groups for name in group.changes))
    rows = [(abs(np.mean([*correlations(groups, name).values()])), _row(groups, name)) for name in names]
    rows.sort(key=lambda row: -row[0])
    titles = [
        "signal",
        "rank correlation with the gain",
        "certain changes told apart",
        "gain of its choice",
        "choices certainly worse",
    ]
    last = [_judged(groups, TOGETHER, "", lambda held, others: predicted(held, others, names)), *_without_signals(groups)]
    return table(titles, [*(row for _, row in rows), *last])


def correlations(groups: Sequence[Group], name: str) -> dict[str, float]:
    """Of each set: the rank correlation of the signal's change with the gain, the mean over its encoders."""
    found: dict[str, list[float]] = defaultdict(list)
    for group in groups:
        if name in group.changes and len(set(group.changes[name].tolist())) > 1:
            found[group.set].append(spearman(group.changes[name], group.gains[:, 0]))
    return {name: float(np.mean(values)) for name, values in found.items()}


def predicted(held: Group, others: Sequence[Group], names: Sequence[str]) -> NDArray[np.float64]:
    """What a ridge regression on the ranks of all signals says of one group, learned on the groups of other sets, (ways,)."""
    features = np.concatenate([group.ranks(names) for group in others])
    gains = np.concatenate([group.gains[:, 0] for group in others])
    found: NDArray[np.float64] = Ridge(alpha=1.0).fit(features, gains).predict(held.ranks(names))
    return found


def oriented(held: Group, others: Sequence[Group], name: str) -> NDArray[np.float64] | None:
    """The change of a signal, turned so that more is better on the other sets, (ways,); None where the group has no such."""
    if name not in held.changes:
        return None
    return float(np.sign(np.mean([*correlations(others, name).values()]))) * held.changes[name]


def _row(groups: Sequence[Group], name: str) -> list[str]:
    values = [*correlations(groups, name).values()]
    correlation = f"{np.mean(values):+.2f}" + (_ends(values) if len(values) > 1 else "")
    return _judged(groups, name, correlation, lambda held, others: oriented(held, others, name))


def _judged(
    groups: Sequence[Group], title: str, correlation: str, judge: Callable[[Group, Sequence[Group]], NDArray[np.float64] | None]
) -> list[str]:
    """The row of what judges the ways of a set by what it learned on the others."""
    told, gains, worse, count = defaultdict(list), defaultdict(list), 0, 0
    for held in groups:
        others = [group for group in groups if group.set != held.set]
        judged = judge(held, others)
        if judged is None:
            continue
        if (share := told_apart(judged, held.gains)) is not None:
            told[held.set].append(share)
        place = int(judged.argmax())
        chosen = held.gains[place] if judged[place] > 0 else np.zeros(3)  # else the encoder stays as it is
        gains[held.set].append(float(chosen[0]))
        worse, count = worse + int(chosen[2] < 0), count + 1
    return [title, correlation, _over_sets(told, "{:.0f} %", 100), _over_sets(gains, "{:+.1f}"), f"{worse} of {count}"]


def told_apart(judged: NDArray[np.float64], gains: NDArray[np.float64]) -> float | None:
    """How often a way that is certainly better is judged above one that is certainly worse; None where either is missing."""
    better, worse = judged[gains[:, 1] > 0], judged[gains[:, 2] < 0]
    if not len(better) or not len(worse):
        return None
    higher = (better[:, None] > worse).mean() + 0.5 * (better[:, None] == worse).mean()
    return float(higher)


def _without_signals(groups: Sequence[Group]) -> list[list[str]]:
    """What is reached by always doing what was best on the other sets, and by the labels of the set itself."""

    def usual(held: Group, others: Sequence[Group]) -> NDArray[np.float64]:
        means = [[group.gains[group.ways.index(way), 0] for group in others if group.model == held.model] for way in held.ways]
        return np.array([np.mean(values) if values else -1.0 for values in means])

    return [
        _judged(groups, "none: what was best for the encoder on the other sets", "", usual),
        _judged(groups, "none: the labels themselves", "", lambda held, _: held.gains[:, 0]),
    ]


def _over_sets(found: Mapping[str, Sequence[float]], form: str, scale: float = 1.0) -> str:
    values = [scale * float(np.mean(each)) for each in found.values()]
    if not values:
        return "–"
    return form.format(np.mean(values)) + (_ends(values, form) if len(values) > 1 else "")


def _ends(values: Sequence[float], form: str = "{:+.2f}") -> str:
    interval = mean_interval(values)
    return f" ({form.format(interval.low)} – {form.format(interval.high)})"


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """From 0 to 1, ties in the middle of their ranks."""
    ranks: NDArray[np.float64] = (rankdata(values) - 0.5) / len(values)
    return ranks
