"""Is the training well? Signals that need no label, and what they mean in words."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from juyi.losses import unit_rows
from juyi.objectives import View

_SAME = 1e-5
"""Two passes without dropout differ by rounding alone: far less than this share of the distance between sentences."""

_FEW = 8
"""With fewer different sentences than this, few directions are no sign of a collapse."""


def signals(encoded: Sequence[Tensor], views: Sequence[View]) -> dict[str, float]:
    """How the vectors of this step lie; empty where the views are not sentences.

    `uniformity` and `effective_rank` are of the trained encoder's first view; the latter cannot exceed the rows less one.
    `alignment` and `view_cosine`, the mean cosine of the first two views, are there where there are two of equal length.

    Shapes:
        encoded: one (rows, dim) tensor a view.

    Source:
        Wang and Isola (arXiv:2005.10242); on L2-normalised vectors, as SimCSE eq. 2 and 3. The rank is that of
        `juyi.metrics.effective_rank`.
    """
    vectors, _ = _sentences(encoded, views)
    if not vectors or len(vectors[0]) < 2:
        return {}
    units = [unit_rows(rows) for rows in vectors]
    found = {"uniformity": _uniformity(units[0])}
    if (rank := _effective_rank(vectors[0])) is not None:
        found["effective_rank"] = rank
    if len(units) > 1:
        found["alignment"] = float((units[0] - units[1]).square().sum(1).mean())
        found["view_cosine"] = float((units[0] * units[1]).sum(1).mean())
    return found


def two_views(encoded: Sequence[Tensor], views: Sequence[View]) -> dict[str, float | str]:
    """What the first step proves about the two views: numbers, and a sentence under `note`.

    Empty where a step has no two views: masked tokens, or one view that is compared with given vectors.

    Shapes:
        encoded: one (rows, dim) tensor a view.
    """
    vectors, shown = _sentences(encoded, views)
    if not vectors or len(vectors[0]) < 2:
        return {}
    if len(vectors) == 1:
        if shown[0].labels is not None or len(views) > 1:
            return {}
        mask = "with one dropout mask" if shown[0].dropout else "without dropout"
        return {"note": f"The two views are identical by choice: one pass {mask} is used for both."}
    first, second = unit_rows(vectors[0]), unit_rows(vectors[1])
    distances = (first - second).square().sum(1)
    cosine, mean, smallest = float((first * second).sum(1).mean()), float(distances.sqrt().mean()), float(distances.min().sqrt())
    numbers: dict[str, float | str] = {"view_cosine": cosine, "mean_distance": mean, "smallest_distance": smallest}
    limit = _SAME * abs(_uniformity(first))
    differing, count = int((distances > limit).sum()), len(distances)
    kind = _kind(*shown)
    if float(distances.mean()) <= limit:
        why = ": dropout makes no difference" if kind.startswith("dropout") else ""
        return numbers | {"note": f"The two {kind} are identical (mean distance {mean:.1g}){why}."}
    words = f"The two {kind} differ: mean cosine {cosine:.2f}, smallest distance {smallest:.2g}."
    if differing < count:
        words = f"The two {kind} differ for {differing} of {count} rows: mean cosine {cosine:.2f}."
    return numbers | {"note": words}


def alarms(loss: float, found: dict[str, float], views: Sequence[View] = (), *, negatives: bool = True) -> list[str]:
    """What is wrong, why, and what to do, a sentence or two each; empty when nothing is.

    Args:
        loss: This step's.
        found: What `signals` gave.
        views: What was encoded. Without them, only the numbers speak.
        negatives: Whether the rows of a batch are each other's negatives; those of scored pairs or classes are not.
    """
    words = []
    shown = [views[i] for i in _chosen(views)]
    doubled = _doubled(shown[0].rows) if shown else 0
    if not math.isfinite(loss):
        words.append(f"The loss is {loss}: lower the learning rate, or train in float32.")
    if _identical(found) and (not shown or (len(shown) > 1 and _kind(*shown).startswith("dropout"))):
        words.append(
            "The two views are identical: dropout is off, so a loss near 0 teaches nothing. Set encoder.attention_dropout and, "
            "where the backbone has one, encoder.hidden_dropout above 0, 0.1 for example."
        )
    if _collapsed(found, shown, doubled):
        words.append(
            "The vectors have collapsed: all sentences lie near one point or on one line. At the first step the pooling is to "
            "blame, try another one; later the learning rate is too high: lower training.learning_rate and start anew."
        )
    if negatives and doubled and (pushed := _doubled(shown[0].rows, shown[0].groups)):
        words.append(
            f"{pushed} of the {len(shown[0].rows)} rows of this batch have the same tokens as another row and count as its "
            "negatives: equal sentences are pushed apart. Set data.distinct or training.distinct_batches to true."
        )
    return words


def unsaid(words: Iterable[str], said: Iterable[str]) -> list[str]:
    """Those of the words that were not said yet; sentences that differ in their numbers alone are the same."""
    known, new = {_without_numbers(sentence) for sentence in said}, []
    for sentence in words:
        if (plain := _without_numbers(sentence)) not in known:
            known.add(plain)
            new.append(sentence)
    return new


def _without_numbers(sentence: str) -> str:
    return re.sub(r"\d+", "#", sentence)


def _sentences(encoded: Sequence[Tensor], views: Sequence[View]) -> tuple[list[Tensor], list[View]]:
    chosen = _chosen(views)
    return [encoded[i].detach() for i in chosen], [views[i] for i in chosen]


def _chosen(views: Sequence[View]) -> list[int]:
    """The numbers of the two views that are compared: of sentences, of equal length, those of the trained encoder first."""
    numbers = [i for i, view in enumerate(views) if view.positions is None]
    numbers.sort(key=lambda i: views[i].tower != "")
    if len(numbers) > 1 and len(views[numbers[0]].rows) != len(views[numbers[1]].rows):
        return numbers[:1]
    return numbers[:2]


def _kind(first: View, second: View) -> str:
    if not _same_rows(first, second):
        return "texts of a row"
    if first.tower != second.tower:
        return "encoders' views of a sentence"
    return f"{'dropout ' if first.dropout and second.dropout else ''}views of a sentence"


def _same_rows(first: View, second: View) -> bool:
    return first.rows is second.rows or [*first.rows] == [*second.rows]


def _identical(found: dict[str, float]) -> bool:
    return found.get("alignment", math.inf) <= _SAME * abs(found.get("uniformity", 1.0))


def _collapsed(found: dict[str, float], shown: Sequence[View], doubled: int) -> bool:
    """Whether all vectors lie near one point, or on one line though many different sentences were encoded."""
    if not shown:
        return found.get("uniformity", -1.0) > -0.05
    different = len(shown[0].rows) - doubled
    if 2 * doubled > len(shown[0].rows):  # they are one point because they are one sentence
        return False
    return found.get("uniformity", -1.0) > -0.05 or (different > _FEW and found.get("effective_rank", math.inf) < 1.5)


def _doubled(rows: Sequence[Sequence[int]], groups: NDArray[np.int64] | None = None) -> int:
    """How many rows have the same tokens as another row; where groups are given, as another row of another group."""
    numbers = range(len(rows)) if groups is None else groups.tolist()
    found: dict[tuple[int, ...], list[int]] = {}
    for row, number in zip(rows, numbers, strict=True):
        found.setdefault(tuple(row), []).append(number)
    return sum(len(same) for same in found.values() if len({*same}) > 1)


def _uniformity(units: Tensor) -> float:
    distances = torch.pdist(units).square()
    return float(torch.logsumexp(-2.0 * distances, 0) - math.log(len(distances)))


def _effective_rank(rows: Tensor) -> float | None:
    """The effective rank of the rows; 1 where they are equal, None where one is not finite.

    From the eigenvalues of the smaller product of the rows with themselves, in float64: their roots are the singular values, and
    a root makes the rounding of float32 large.
    """
    matrix = rows.cpu().double()
    if not matrix.isfinite().all():
        return None
    magnitude = matrix.abs().max().clamp_min(torch.finfo(torch.float64).tiny)
    centred = (matrix - matrix.mean(0)) / magnitude
    product = centred @ centred.T if len(centred) <= centred.shape[1] else centred.T @ centred
    values = torch.linalg.eigvalsh(product).clamp_min(0).sqrt()
    if float(values[-1]) <= torch.finfo(torch.float32).eps * sum(centred.shape):
        return 1.0
    shares = values[values > 0] / values.sum()
    return float(torch.exp(-(shares * shares.log()).sum()))
