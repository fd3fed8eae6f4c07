"""How often intervals for grouped items are wrong, of several kinds: the table in docs/evaluation.md.

    python benchmarks/interval_levels.py --data DATA

Two encoders of equal quality differ by chance alone: by something that a group has in common (three tenths of the variance), and
by each item's own. A mean difference whose interval does not hold 0 is an error; 5 % are due. One JSON line a shape of groups.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtrit

from juyi.data import read_labelled_texts, read_scored_pairs
from juyi.metrics import Bootstrap, Units
from juyi.tasks import sentence_units
from juyi.tasks.retrieval import retrieval_from_groups

SIMULATIONS, RESAMPLES, COMMON = 2000, 500, 0.3
Matrix = NDArray[np.float64]


def main() -> None:
    """Print a line for each shape."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a folder with zh_sts, en_sts and faq")
    for name, units in shapes(parser.parse_args().data).items():
        sizes = np.bincount(units.of).astype(np.float64)
        shares = {kind: round(100 * share, 1) for kind, share in levels(sizes, units.effective()).items()}
        effective = round(units.effective())
        print(json.dumps({"groups": name, "items": units.items, "units": units.count, "effective": effective} | shares))


def shapes(data: Path) -> dict[str, Units]:
    """Groups of equal and of unequal size, and those of real sets."""
    rng = np.random.default_rng(1)
    made = {"20 equal": np.full(20, 10), "20 unequal": rng.geometric(0.1, 20), "50 unequal": rng.geometric(0.1, 50)}
    shapes = {name: Units.grouped(np.repeat(np.arange(len(sizes)), sizes).tolist()) for name, sizes in made.items()}
    groups = retrieval_from_groups("BQ", "test", read_labelled_texts(data / "faq" / "groups_bq.tsv")).units
    shapes["the first 400 groups of BQ"] = Units.grouped(groups.of[groups.of < 400].tolist())
    for name, file in (("BQ test", "zh_sts/bq.test.tsv"), ("OnWN of STS13", "en_sts/STS13.OnWN.tsv")):
        pairs = read_scored_pairs(data / file)
        shapes[name] = sentence_units(zip(pairs.first, pairs.second, strict=True))
    return shapes


def levels(sizes: Matrix, effective: float) -> dict[str, float]:
    """The share of errors of each kind of interval."""
    rng, groups, items = np.random.default_rng(0), len(sizes), sizes.sum()
    draws = rng.multinomial(groups, np.ones(groups) / groups, size=RESAMPLES).astype(np.float64)
    sums = rng.normal(size=(SIMULATIONS, groups)) * np.sqrt(COMMON) * sizes
    sums += rng.normal(size=(SIMULATIONS, groups)) * np.sqrt((1 - COMMON) * sizes)
    means, drawn = sums.sum(axis=1) / items, draws @ sizes
    resampled = sums @ draws.T / drawn
    ends = {
        "single items": (means - 1.96 / np.sqrt(items), means + 1.96 / np.sqrt(items)),
        "percentile": tuple(np.quantile(resampled, [0.025, 0.975], axis=1)),
        "bca": accelerated(sums, sizes, means, resampled),
        "studentised": studentised(sums, sizes, means, resampled, draws),
        "t, groups - 1": student(means, resampled, groups),
        "t, effective - 1": student(means, resampled, effective),
    }
    shares = {kind: float(np.mean((low > 0) | (high < 0))) for kind, (low, high) in ends.items()}
    ours = [Bootstrap().interval(each, effective).excludes(0) for each in resampled]
    return shares | {"widened percentile": float(np.mean(ours))}


def student(means: Matrix, resampled: Matrix, units: float) -> tuple[Matrix, Matrix]:
    """Student's t on the standard error of the resamples."""
    half = stdtrit(units - 1, 0.975) * np.sqrt(units / (units - 1)) * resampled.std(axis=1)
    return means - half, means + half


def accelerated(sums: Matrix, sizes: Matrix, means: Matrix, resampled: Matrix) -> tuple[Matrix, Matrix]:
    """BCa, the acceleration by leaving out one group at a time (Efron 1987)."""
    without = (sums.sum(axis=1, keepdims=True) - sums) / (sizes.sum() - sizes)
    pulls = without.mean(axis=1, keepdims=True) - without
    acceleration = (pulls**3).sum(axis=1) / (6 * (pulls**2).sum(axis=1) ** 1.5)
    bias = ndtri(np.clip((resampled < means[:, None]).mean(axis=1), 1 / RESAMPLES, 1 - 1 / RESAMPLES))
    found = []
    for side in (-1.96, 1.96):
        levels = ndtr(bias + (bias + side) / (1 - acceleration * (bias + side)))
        found.append(np.array([np.quantile(row, level) for row, level in zip(resampled, levels, strict=True)]))
    return found[0], found[1]


def studentised(sums: Matrix, sizes: Matrix, means: Matrix, resampled: Matrix, draws: Matrix) -> tuple[Matrix, Matrix]:
    """The bootstrap of t, with the linearised standard error of a mean over groups."""
    error = np.sqrt(((sums - means[:, None] * sizes) ** 2).sum(axis=1)) / sizes.sum()
    squares = (sums**2) @ draws.T - 2 * resampled * ((sums * sizes) @ draws.T) + resampled**2 * (draws @ sizes**2)
    pivots = (resampled - means[:, None]) / (np.sqrt(np.maximum(squares, 1e-300)) / (draws @ sizes))
    low, high = np.quantile(pivots, [0.025, 0.975], axis=1)
    return means - high * error, means - low * error


if __name__ == "__main__":
    main()
