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

from juyi.adaptation.signal_worth import AGREEMENT
from juyi.declarations import to_toml
from juyi.metrics import mean_interval, spearman
from markdown import put, table

Judge = Callable[["Group", Sequence["Group"]], NDArray[np.float64] | None]
"""What a judge that learned from some groups says of the ways of another, (ways,); None where it cannot say."""
RAW, WHITENED = "raw", "whitening"
SHARE, WHOLE, UNBOUNDED = (0.0, 100.0), (-1.0, 1.0), (-np.inf, np.inf)
TOGETHER = "all of them together"
SOURCES = {"afqmc-pairs": "atec-pairs"}
"""Sets that share rows with another one: together they are one witness."""
TITLES = ("rank correlation with the gain", "certain changes told apart", "gain of its choice", "choices certainly worse")


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

    @property
    def source(self) -> str:
        """What the set was drawn from."""
        return SOURCES.get(self.set, self.set)

    def ranks(self, names: Sequence[str]) -> NDArray[np.float64]:
        """The rank of each way by each signal, from -1 to 1; 0 where a signal does not exist, (ways, names)."""
        missing = np.zeros(len(self.ways))
        columns = [2 * (_ranks(self.changes[name]) - 0.5) if name in self.changes else missing for name in names]
        return np.stack(columns, axis=1)


def write(records: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Put the tables into a page."""
    groups = groups_of(records)
    known = on_all_sources(groups)
    page = put(path.read_text(encoding="utf-8"), "all ways", signals_table(known))
    page = put(page, "training alone", signals_table(trained_alone(known)))
    path.write_text(put(page, "each encoder", encoders_table(groups)), encoding="utf-8")


def write_worth(records: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write down what `juyi adapt` says of the signals."""
    groups = on_all_sources(groups_of(records))
    study = {
        "sets": len({group.set for group in groups}),
        "ways": sum(len(group.ways) for group in groups),
        "best": _mean_gain(judged(groups, the_best)),
        "signal": {name: _worth_record(worth_of(groups, name)) for name in signal_names(groups)},
        "encoder": {
            name: {"gain": _mean_gain(worth), "best": _mean_gain(best)} for name, (worth, best) in of_encoders(groups).items()
        },
    }
    head = "# Written by benchmarks/label_free_study.py --worth; docs/label-free.md says how.\n"
    path.write_text(head + to_toml(study), encoding="utf-8")


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


def trained_alone(groups: Sequence[Group]) -> list[Group]:
    """The groups without the ways that were whitened."""
    found = []
    for group in groups:
        kept = [place for place, way in enumerate(group.ways) if WHITENED not in way]
        ways, changes = tuple(group.ways[place] for place in kept), {name: each[kept] for name, each in group.changes.items()}
        if kept:
            found.append(Group(group.set, group.model, ways, changes, group.gains[kept]))
    return found


def on_all_sources(groups: Sequence[Group]) -> list[Group]:
    """The groups of encoders that were measured on every source, so that no source is judged by encoders of its own."""
    sources: dict[str, set[str]] = defaultdict(set)
    for group in groups:
        sources[group.model].add(group.source)
    every = {group.source for group in groups}
    return [group for group in groups if sources[group.model] == every]


def signal_names(groups: Sequence[Group]) -> list[str]:
    """The signals, the one that orders the ways best first."""
    names = dict.fromkeys(name for group in groups for name in group.changes)
    return sorted(names, key=lambda name: -abs(np.mean([*correlations(groups, name).values()])))


def signals_table(groups: Sequence[Group]) -> str:
    """A row for each signal, and rows for what chooses among them or without any."""
    names = signal_names(groups)
    rows = {name: worth_of(groups, name) for name in names}
    rows["the one that chose best on the other sets"] = judged(groups, lambda held, others: by_the_best(held, others, names))
    rows[TOGETHER] = judged(groups, lambda held, others: predicted(held, others, names))
    rows["none: what was best for the encoder on the other sets"] = judged(groups, usual)
    rows["none: the best way that there was"] = judged(groups, the_best)
    return table(["signal", *TITLES], [[name, *_cells(worth)] for name, worth in rows.items()])


def encoders_table(groups: Sequence[Group]) -> str:
    """A row for each encoder: how well agreement with another one chose."""
    rows = [[name, *_cells(worth), _shown(_means(best.gains), "{:+z.1f}")] for name, (worth, best) in of_encoders(groups).items()]
    return table(["encoder", *TITLES, "gain of the best way"], rows)


def of_encoders(groups: Sequence[Group]) -> dict[str, tuple[Worth, Worth]]:
    """Of each encoder: what agreement with another one is worth, turned by what all encoders say on other sets, and the best."""
    found = {}
    for model in dict.fromkeys(group.model for group in groups):
        of_it = [group for group in groups if group.model == model]
        agreement = judged(
            of_it, lambda held, others: oriented(held, groups_without(groups, held), AGREEMENT), correlations(of_it, AGREEMENT)
        )
        found[model] = agreement, judged(of_it, the_best)
    return found


@dataclass(frozen=True)
class Worth:
    """How well something judged the ways of each set by what it learned on sets of other sources.

    Attributes:
        correlations: Of each source, of its change with the gain; none for what is no signal.
        told: Of each source, how often it judged a certain gain above a certain loss; see `told_apart`.
        gains: Of each source, what its choices gained.
        worse: How many choices were certainly worse than the encoder as it was.
        choices: Of how many.
    """

    correlations: Mapping[str, float]
    told: Mapping[str, Sequence[float]]
    gains: Mapping[str, Sequence[float]]
    worse: int
    choices: int


def correlations(groups: Sequence[Group], name: str) -> dict[str, float]:
    """Of each source: the rank correlation of the signal's change with the gain, the mean over its sets and encoders."""
    found: dict[str, list[float]] = defaultdict(list)
    for group in groups:
        if name in group.changes and len(set(group.changes[name].tolist())) > 1:
            found[group.source].append(spearman(group.changes[name], group.gains[:, 0]))
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


def worth_of(groups: Sequence[Group], name: str) -> Worth:
    """What a signal is worth."""
    return judged(groups, lambda held, others: oriented(held, others, name), correlations(groups, name))


def by_the_best(held: Group, others: Sequence[Group], names: Sequence[str]) -> NDArray[np.float64] | None:
    """The signal whose choices gained most on other sets, of those that the group has, turned as there."""

    def gain(name: str) -> float:
        judgements = [(oriented(group, others, name), group.gains) for group in others]
        return float(np.mean([chosen(found, gains)[0] for found, gains in judgements if found is not None]))

    known = [name for name in names if name in held.changes and any(name in group.changes for group in others)]
    return oriented(held, others, max(known, key=gain)) if known else None


def judged(groups: Sequence[Group], judge: Judge, of_each: Mapping[str, float] | None = None) -> Worth:
    """What it is worth to choose among the ways of a set by a judge that knows the sets of other sources alone."""
    told, gains, worse, count = defaultdict(list), defaultdict(list), 0, 0
    for held in groups:
        found = judge(held, groups_without(groups, held))
        if found is None:
            continue
        if (share := told_apart(found, held.gains)) is not None:
            told[held.source].append(share)
        gained = chosen(found, held.gains)
        gains[held.source].append(float(gained[0]))
        worse, count = worse + int(gained[2] < 0), count + 1
    return Worth(of_each or {}, told, gains, worse, count)


def groups_without(groups: Sequence[Group], held: Group) -> list[Group]:
    """Those of other sources."""
    return [group for group in groups if group.source != held.source]


def chosen(judged: NDArray[np.float64], gains: NDArray[np.float64]) -> NDArray[np.float64]:
    """What is gained by the way that is judged best, and the ends of its interval, (3,); 0 where none is judged above 0."""
    place = int(judged.argmax())
    return gains[place] if judged[place] > 0 else np.zeros(3)


def told_apart(judged: NDArray[np.float64], gains: NDArray[np.float64]) -> float | None:
    """How often a way that is certainly better is judged above one that is certainly worse; None where either is missing."""
    better, worse = judged[gains[:, 1] > 0], judged[gains[:, 2] < 0]
    if not len(better) or not len(worse):
        return None
    higher = (better[:, None] > worse).mean() + 0.5 * (better[:, None] == worse).mean()
    return float(higher)


def usual(held: Group, others: Sequence[Group]) -> NDArray[np.float64]:
    """What each way gained for the encoder on the other sets; a way that is not known there is not taken."""
    gains = [
        [group.gains[group.ways.index(way), 0] for group in others if group.model == held.model and way in group.ways]
        for way in held.ways
    ]
    return np.array([np.mean(values) if values else -1.0 for values in gains])


def the_best(held: Group, others: Sequence[Group]) -> NDArray[np.float64]:
    """What each way gained on the set itself: more is not to be had, and no choice by labels reaches it."""
    return held.gains[:, 0]


def _cells(worth: Worth) -> list[str]:
    return [
        _shown([*worth.correlations.values()], "{:+z.2f}", WHOLE),
        _shown(_means(worth.told, 100), "{:.0f} %", SHARE) + f", {len(worth.told)} set{'' if len(worth.told) == 1 else 's'}",
        _shown(_means(worth.gains), "{:+z.1f}"),
        f"{worth.worse} of {worth.choices}",
    ]


def _worth_record(worth: Worth) -> dict[str, Any]:
    return {
        "correlation": _rounded(estimate([*worth.correlations.values()], WHOLE), 2),
        "told_apart": _rounded(estimate(_means(worth.told, 100), SHARE)),
        "gain": _rounded(estimate(_means(worth.gains))),
        "worse": worth.worse,
        "choices": worth.choices,
    }


def _mean_gain(worth: Worth) -> float:
    return _rounded([float(np.mean(_means(worth.gains)))])[0]


def _rounded(values: Sequence[float], digits: int = 1) -> list[float]:
    return [round(value, digits) + 0.0 for value in values]


def _means(found: Mapping[str, Sequence[float]], scale: float = 1.0) -> list[float]:
    """Of each source."""
    return [scale * float(np.mean(each)) for each in found.values()]


def _shown(values: Sequence[float], form: str, ends: tuple[float, float] = UNBOUNDED) -> str:
    if len(values) < 2:
        return form.format(values[0]) if values else "–"
    value, low, high = map(form.format, estimate(values, ends))
    return value if low == high else f"{value} ({low} – {high})"  # all alike: how few they are says more than their spread


def estimate(values: Sequence[float], ends: tuple[float, float] = UNBOUNDED) -> tuple[float, float, float]:
    """The mean over sources and its 95 % interval, which goes no further than what is measured can."""
    interval = mean_interval(values)
    return float(np.mean(values)), max(interval.low, ends[0]), min(interval.high, ends[1])


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """From 0 to 1, ties in the middle of their ranks."""
    ranks: NDArray[np.float64] = (rankdata(values) - 0.5) / len(values)
    return ranks
