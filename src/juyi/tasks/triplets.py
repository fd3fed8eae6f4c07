"""Triplets: is the anchor nearer to its positive than to its negative?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Unpack

from juyi.data import LabelledPairs, PathLike, ReadOptions, Triplets, read_labelled_pairs, read_triplets
from juyi.errors import ColumnsError, DataError, UsageError
from juyi.metrics import Units, mean_statistic
from juyi.tasks.bootstrapped_score import BootstrappedScore
from juyi.tasks.sentence_units import sentence_units
from juyi.tasks.similarity import EncodeOrSimilarity, similarity_of
from juyi.tasks.task import Task

NLI_LABELS = frozenset({"entailment", "neutral", "contradiction"})


@dataclass(frozen=True, eq=False)
class TripletAccuracy(Task):
    """The share of triplets, times 100, whose anchor is more like its positive than its hard negative; a tie is an error.

    Entailment triplets (premise, entailed sentence, contradicting sentence) ask whether the encoder tells a consequence from
    its contradiction; chance is 50.

    Raises:
        UsageError: There are no triplets.
    """

    triplets: Triplets = field(repr=False)

    def __post_init__(self) -> None:
        if not self.triplets:
            raise UsageError(f"{self} has no triplets. Give it at least one: anchor, positive, negative.")

    def __len__(self) -> int:
        return len(self.triplets)

    @cached_property
    def units(self) -> Units:
        """Triplets that share a sentence, and those that share one with these, are one unit."""
        triplets = self.triplets
        return sentence_units(zip(triplets.anchors, triplets.positives, triplets.negatives, strict=True))

    def texts(self) -> Sequence[str]:
        """The three sentences of each triplet."""
        return [*self.triplets.anchors, *self.triplets.positives, *self.triplets.negatives]

    def measure(self, encoder: EncodeOrSimilarity) -> Sequence[BootstrappedScore]:
        """`accuracy`.

        Raises:
            UsageError: The encoder gives no usable embeddings.
        """
        triplets = self.triplets
        similarities = similarity_of(encoder).pairs(triplets.anchors * 2, triplets.positives + triplets.negatives)
        right = similarities[: len(self)] > similarities[len(self) :]
        return [self.bootstrapped("accuracy", mean_statistic(right), self.units)]


def read_any_triplets(path: PathLike, **options: Unpack[ReadOptions]) -> Triplets:
    """The triplets of a file, or those that its premises, hypotheses and labels give (`triplets_from_nli`).

    Raises:
        DataError: It holds neither, or cannot be read.
        UsageError: No premise has both an entailed and a contradicting hypothesis.
    """
    try:
        return read_triplets(path, **options)
    except ColumnsError:
        log = options.get("log")
        said: list[str] = []
        options["log"] = said.append
        try:
            rows = read_labelled_pairs(path, **options)
        except DataError:
            rows = None
        if rows is None or not {*rows.labels} <= NLI_LABELS:
            raise
        triplets = triplets_from_nli(rows)
        if log is not None:
            log(f"{' '.join(said)} Put together: {len(triplets):,} triplets.")
        return triplets


def triplets_from_nli(rows: LabelledPairs) -> Triplets:
    """Entailment triplets from premise, hypothesis and label: each premise with what it entails and what contradicts it.

    A premise with several of both gives them in pairs, first with first; neutral hypotheses, and premises without both, are left
    out.

    Args:
        rows: Premise, hypothesis, and one of `NLI_LABELS` as the label.

    Raises:
        UsageError: A label is another one, or no premise has both.

    Source:
        SimCSE, section 4.2: (premise, entailment, contradiction).
    """
    if strange := sorted({*rows.labels} - NLI_LABELS):
        raise UsageError(f"The label '{strange[0]}' is none of {', '.join(sorted(NLI_LABELS))}.")
    sides: dict[str, dict[str, list[str]]] = {}
    for premise, hypothesis, label in zip(rows.first, rows.second, rows.labels, strict=True):
        sides.setdefault(premise, {}).setdefault(label, []).append(hypothesis)
    triplets = [
        (premise, entailed, contradicting)
        for premise, found in sides.items()
        for entailed, contradicting in zip(found.get("entailment", ()), found.get("contradiction", ()), strict=False)
    ]
    if not triplets:
        raise UsageError(f"None of the {len(sides)} premises has both an entailed and a contradicting hypothesis.")
    return Triplets(*map(list, zip(*triplets, strict=True)))
