"""The shapes that rows have: texts, pairs, triplets, scored pairs, labelled pairs, labelled texts; each a set of columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Texts:
    """Unlabelled sentences, in the order of the file.

    `columns` are those that were read (empty for a plain text file); `skipped` counts the empty cells in them.
    """

    texts: list[str]
    source: str
    columns: tuple[str, ...] = ()
    skipped: int = 0

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True)
class Pairs:
    """Sentences, each with one that means the same."""

    anchors: list[str]
    positives: list[str]

    def __len__(self) -> int:
        return len(self.anchors)


@dataclass(frozen=True)
class Triplets:
    """Sentences, each with one that means the same and one that does not, though it looks like it."""

    anchors: list[str]
    positives: list[str]
    negatives: list[str]

    def __len__(self) -> int:
        return len(self.anchors)


@dataclass(frozen=True, eq=False)
class ScoredPairs:
    """Pairs of sentences with a score each; `subsets` names the sub-task of each row where the file does.

    Shapes:
        scores: (n,) float64.
    """

    first: list[str]
    second: list[str]
    scores: NDArray[np.float64]
    subsets: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.first)


@dataclass(frozen=True)
class LabelledPairs:
    """Pairs of sentences with a label each."""

    first: list[str]
    second: list[str]
    labels: list[str]

    def __len__(self) -> int:
        return len(self.first)


@dataclass(frozen=True)
class LabelledTexts:
    """Sentences with a label each."""

    labels: list[str]
    texts: list[str]

    def __len__(self) -> int:
        return len(self.texts)
