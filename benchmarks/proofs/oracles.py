"""Every loss once more, as slow loops in double precision written from the equation of its paper."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf
from torch import nn

from juyi.objectives import (
    SBERT,
    ContrastiveTension,
    CoSENT,
    Distillation,
    ESimCSE,
    MaskedLM,
    Objective,
    PairContrastive,
    SimCSESupervised,
    SimCSEUnsupervised,
    Triplet,
    View,
    WithMaskedLM,
    WithMatryoshka,
)
from juyi.objectives.esimcse import MomentumQueue

Rows = NDArray[np.float64]


def oracle(objective: Objective, encoded: Sequence[Rows], views: Sequence[View], state: nn.Module) -> float:  # noqa: C901, PLR0911, PLR0912
    """The loss by the paper.

    Args:
        objective: Whose.
        encoded: The vectors of its views, in double precision.
        views: For what they remember.
        state: Its classifier, queue or prediction head.
    """
    match objective:
        case SimCSEUnsupervised(negatives="cross-view"):
            return _softmax_loss(encoded[0], encoded[-1], objective.temperature)
        case SimCSEUnsupervised():
            return _all_others(encoded[0], encoded[-1], None, objective.temperature, 1.0)
        case SimCSESupervised(anchors="first"):
            hard = encoded[2] if objective.hard_negatives else None
            return _softmax_loss(encoded[0], encoded[1], objective.temperature, hard, objective.hard_negative_weight)
        case SimCSESupervised():
            return _all_others(encoded[0], encoded[1], encoded[2], objective.temperature, objective.hard_negative_weight)
        case ESimCSE():
            queue = np.asarray(state.filled_rows(), dtype=np.float64)  # type: ignore[operator]
            return _softmax_loss(encoded[0], encoded[1], objective.temperature, extra=queue)
        case ContrastiveTension():
            return _contrastive_tension(encoded[0], encoded[1], objective.negatives)
        case CoSENT():
            return _cosent(encoded[0], encoded[1], np.asarray(views[0].labels), objective.temperature)
        case SBERT():
            return _sbert(encoded[0], encoded[1], np.asarray(views[0].labels), objective.features, state)
        case Triplet():
            return _triplet(encoded[0], encoded[1], encoded[2], objective)
        case PairContrastive():
            groups = np.asarray(views[0].groups)
            forth = _softmax_loss(encoded[0], encoded[1], objective.temperature, groups=groups)
            return (forth + _softmax_loss(encoded[1], encoded[0], objective.temperature, groups=groups)) / 2
        case Distillation():
            return _distillation(encoded[0], np.asarray(views[0].labels, dtype=np.float64), objective)
        case MaskedLM():
            return _masked_lm(encoded[0], np.asarray(views[0].labels), state)
        case WithMaskedLM():
            parts = state.get_submodule("objective"), state.get_submodule("masked_lm")
            main = oracle(objective.objective, encoded[:-1], views[:-1], parts[0])
            return main + objective.weight * oracle(objective.masked_lm, encoded[-1:], views[-1:], parts[1])
        case WithMatryoshka(objective=inner, matryoshka=widths):
            losses = [(oracle(inner, encoded, views, state), 1.0)]
            for dim, weight in zip(widths.dims, widths.weights or [1.0] * len(widths.dims), strict=True):
                losses.append((oracle(inner, [rows[:, :dim] for rows in encoded], views, _cut(state, dim, encoded)), weight))
            return sum(loss * weight for loss, weight in losses) / sum(weight for _, weight in losses)
    raise NotImplementedError(type(objective).__name__)


def _cut(state: nn.Module, dim: int, encoded: Sequence[Rows]) -> Any:
    """A queue or a classifier for the first numbers of the vectors alone."""
    if isinstance(state, MomentumQueue):
        rows = state.filled_rows()[:, :dim]
        return SimpleNamespace(filled_rows=lambda: rows)
    if isinstance(state, nn.Linear):
        kept = np.concatenate([np.arange(start, start + dim) for start in range(0, state.in_features, encoded[0].shape[1])])
        return SimpleNamespace(parameters=lambda: [state.weight[:, kept], state.bias])
    return state


def _cosine(one: Rows, other: Rows) -> float:
    return float(one @ other / math.sqrt(one @ one) / math.sqrt(other @ other))


def _softmax_loss(
    anchors: Rows,
    positives: Rows,
    temperature: float,
    hard: Rows | None = None,
    weight: float = 1.0,
    *,
    extra: Sequence[Any] | Rows = (),
    groups: NDArray[Any] | None = None,
) -> float:
    """SimCSE eq. 4, 5 and 8; a queue in the denominator as ESimCSE eq. 7; rows of one group are no negatives."""
    total = 0.0
    for i, anchor in enumerate(anchors):
        denominator = 0.0
        for j, positive in enumerate(positives):
            if groups is None or i == j or groups[i] != groups[j]:
                denominator += math.exp(_cosine(anchor, positive) / temperature)
            if hard is not None:
                denominator += (weight if i == j else 1.0) * math.exp(_cosine(anchor, hard[j]) / temperature)
        for row in extra:
            denominator += math.exp(_cosine(anchor, row) / temperature)
        total -= math.log(math.exp(_cosine(anchor, positives[i]) / temperature) / denominator)
    return total / len(anchors)


def _all_others(first: Rows, second: Rows, hard: Rows | None, temperature: float, weight: float) -> float:
    """kexue.fm 8348: both views of every sentence are anchors, everything but the anchor itself is a candidate."""
    total, count = 0.0, len(first)
    for side, (mine, other) in enumerate([(first, second), (second, first)]):
        for i in range(count):
            denominator = 0.0
            for j in range(count):
                denominator += math.exp(_cosine(mine[i], other[j]) / temperature)
                if j != i:
                    denominator += math.exp(_cosine(mine[i], mine[j]) / temperature)
                if hard is not None:
                    denominator += (weight if i == j else 1.0) * math.exp(_cosine(mine[i], hard[j]) / temperature)
            total -= math.log(math.exp(_cosine(mine[i], (second, first)[side][i]) / temperature) / denominator)
    return total / (2 * count)


def _contrastive_tension(first: Rows, second: Rows, negatives: int) -> float:
    """CT eq. 1 for each equal pair and for the average different one, which stands for `negatives` drawn ones."""

    def sigmoid(z: float) -> float:
        return 1.0 / (1.0 + math.exp(-z))

    total = 0.0
    for i, one in enumerate(first):
        different = [-math.log(1.0 - sigmoid(float(one @ second[j]))) for j in range(len(second)) if j != i]
        total += -math.log(sigmoid(float(one @ second[i]))) + negatives * sum(different) / len(different)
    return total / len(first) / (1 + negatives)


def _cosent(first: Rows, second: Rows, scores: NDArray[Any], temperature: float) -> float:
    """kexue.fm 8847, last equation."""
    cosines = [_cosine(one, other) for one, other in zip(first, second, strict=True)]
    total = 1.0
    for i, higher in enumerate(scores):
        for j, lower in enumerate(scores):
            if higher > lower:
                total += math.exp((cosines[j] - cosines[i]) / temperature)
    return math.log(total)


def _sbert(first: Rows, second: Rows, labels: NDArray[Any], features: str, state: nn.Module) -> float:
    """SBERT section 3, classification."""
    weight, bias = (np.asarray(each.detach(), dtype=np.float64) for each in state.parameters())
    total = 0.0
    for one, other, label in zip(first, second, labels, strict=True):
        seen = np.abs(one - other)
        if features != "difference":
            seen = np.concatenate([one, other, seen])
        logits = [float(row @ seen + shift) for row, shift in zip(weight, bias, strict=True)]
        total -= logits[label] - math.log(sum(math.exp(each) for each in logits))
    return total / len(first)


def _triplet(anchors: Rows, positives: Rows, negatives: Rows, objective: Triplet) -> float:
    """SBERT section 3, triplets."""

    def distance(one: Rows, other: Rows) -> float:
        return 1.0 - _cosine(one, other) if objective.distance == "cosine" else math.sqrt(float((one - other) @ (one - other)))

    each = [
        max(0.0, distance(a, p) - distance(a, n) + objective.margin)
        for a, p, n in zip(anchors, positives, negatives, strict=True)
    ]
    return sum(each) / len(each)


def _distillation(students: Rows, targets: Rows, objective: Distillation) -> float:
    """The three terms of `juyi.losses.distillation`, and `neighbours`."""
    cosine = softmax = structure = neighbours = 0.0
    count = len(students)
    for i in range(count):
        cosine += 1.0 - _cosine(students[i], targets[i])
        denominator = 0.0
        for j in range(count):
            wanted, found = _cosine(targets[i], targets[j]), _cosine(students[i], students[j])
            structure += (found - wanted) ** 2 / count
            if j == i or wanted <= 0.999:
                denominator += math.exp(_cosine(students[i], targets[j]) / objective.temperature)
        softmax -= _cosine(students[i], targets[i]) / objective.temperature - math.log(denominator)
        theirs, ours = (
            np.array([math.exp(_cosine(row, each) / objective.temperature) for each in targets])
            for row in (targets[i], students[i])
        )
        neighbours += float((theirs / theirs.sum() * np.log(theirs / theirs.sum() * ours.sum() / ours)).sum())
    weighted = objective.cosine_weight * cosine + objective.softmax_weight * softmax
    return (weighted + objective.structure_weight * structure + objective.neighbours_weight * neighbours) / count


def _masked_lm(tokens: Rows, labels: NDArray[Any], head: Any) -> float:
    """BERT section 3.1, through dense layer, GELU, LayerNorm and the token table."""
    dense, shift, scale, centre, bias, table = (
        np.asarray(each.detach(), dtype=np.float64)
        for each in (
            head.dense.weight,
            head.dense.bias,
            head.norm.weight,
            head.norm.bias,
            head.bias,
            head._output[0].weight,
        )
    )
    total = 0.0
    for token, label in zip(tokens, labels, strict=True):
        hidden = dense @ token + shift
        hidden = hidden * 0.5 * (1.0 + erf(hidden / math.sqrt(2.0)))
        hidden = (hidden - hidden.mean()) / math.sqrt(hidden.var() + head.norm.eps) * scale + centre
        logits = table @ hidden + bias
        total -= logits[label] - math.log(np.exp(logits).sum())
    return total / len(tokens)
