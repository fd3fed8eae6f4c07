"""Transfer: how much a linear classifier reads off fixed sentence vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from juyi.data import LabelledPairs, LabelledTexts, TransferSet
from juyi.errors import UsageError
from juyi.metrics import Counts, Statistic
from juyi.tasks.logistic import Classified, Watch, nested_cross_validation, search_by_folds, search_on_dev
from juyi.tasks.measured import Measured
from juyi.tasks.memo import EncodeOnce
from juyi.tasks.similarity import Subject, encode_of
from juyi.tasks.task import Task
from juyi.types import Embeddings

_FOLDS = 10
_POSITIVE = "1"


@dataclass(frozen=True, eq=False)
class Transfer(Task):
    """A transfer set of SentEval: the accuracy, times 100, of a logistic regression on the vectors; of pairs the F1 too.

    The protocol follows from the splits, and C, the inverse strength of the L2 penalty, is chosen without the tested sentences:

    - `all` (MR, CR, SUBJ, MPQA): 10-fold cross-validation, C by a 10-fold cross-validation within each training part. The figure
      is the mean over the folds.
    - train, dev and test (SST2): C on dev, fitted on train.
    - train and test (TREC, MRPC): C by 10-fold cross-validation on train, fitted on all of train.

    A pair becomes one vector, |u - v| beside u * v. Label 1 is the positive class of the F1.

    This is SentEval's scikit-learn branch, with its grids and its seed. Two things differ. The folds are drawn on the sentences
    as they stand in the file; SentEval sorts them by length before. And TREC gets a softmax, and no intercept a penalty: today's
    default of scikit-learn, where that of 2018 was one class against the rest, with a penalty on the intercept.

    The transfer table of the SimCSE paper comes from SentEval's other branch, a linear layer that PyTorch trains with Adam and
    early stopping. Figures from here can stand beside it, but no model gives the same decimals in both.

    Attributes:
        data: The splits.
        jobs: How many folds at a time; None for one a usable core. It changes no figure.
        watch: Told of each finished fold.

    Raises:
        UsageError: Another choice of splits, nothing to test, or pairs beside texts.

    Source:
        Conneau & Kiela 2018, SentEval, arXiv:1803.05449.
    """

    data: TransferSet = field(repr=False)
    jobs: int | None = field(default=None, kw_only=True, repr=False)
    watch: Watch | None = field(default=None, kw_only=True, repr=False)

    @classmethod
    def of(
        cls, data: TransferSet, labels: tuple[str, ...] = (), *, jobs: int | None = None, watch: Watch | None = None
    ) -> Transfer:
        """The task of a set, under its name; the split is `10-fold` or `test`."""
        split = f"{_FOLDS}-fold" if "all" in data.splits else "test"
        return cls(data.name, split, data, labels=labels, jobs=jobs, watch=watch)

    def __post_init__(self) -> None:
        splits = set(self.data.splits)
        if splits not in ({"all"}, {"train", "dev", "test"}, {"train", "test"}):
            raise UsageError(
                f"{self} has the splits {', '.join(self.data.splits) or 'none'}; transfer needs 'all', or 'train' and 'test', "
                "or these and 'dev'. Give it those."
            )
        if not len(self):
            raise UsageError(f"{self} has no sentences to test. Give it at least one.")
        if len({isinstance(part, LabelledPairs) for part in self.data.splits.values()}) > 1:
            raise UsageError(f"{self} has pairs in some splits and single texts in others. Give it one kind.")

    def __len__(self) -> int:
        return len(self._tested)

    def texts(self) -> Sequence[str]:
        """The sentences of all splits."""
        return [text for part in self.data.splits.values() for side in _sides(part) for text in side]

    def measure(self, subject: Subject) -> Sequence[Measured]:
        """`accuracy`, and `f1` where the examples are pairs.

        Raises:
            UsageError: The encoder gives no usable embeddings, or a class has too few examples.
            MissingExtraError: scikit-learn is not installed.
        """
        found = self.classify(subject)
        gold = np.asarray(self._tested.labels)
        figures = [self.measured("accuracy", _accuracy(found.predictions == gold, found.folds), len(self))]
        if isinstance(self._tested, LabelledPairs):
            figures.append(self.measured("f1", _f1(found.predictions == _POSITIVE, gold == _POSITIVE), len(self)))
        return figures

    def classify(self, subject: Subject) -> Classified:
        """The label that is predicted for each tested sentence, and the C that was chosen.

        Raises:
            UsageError: As `measure`.
            MissingExtraError: scikit-learn is not installed.
        """
        encode = encode_of(subject)
        once = encode if isinstance(encode, EncodeOnce) else EncodeOnce(encode)
        splits = {
            name: (_features([once(side) for side in _sides(part)]), np.asarray(part.labels))
            for name, part in self.data.splits.items()
        }
        if "all" in splits:
            return nested_cross_validation(*splits["all"], folds=_FOLDS, jobs=self.jobs, watch=self.watch)
        if "dev" in splits:
            return search_on_dev(splits["train"], splits["dev"], splits["test"][0])
        return search_by_folds(splits["train"], splits["test"][0], folds=_FOLDS, jobs=self.jobs, watch=self.watch)

    @property
    def _tested(self) -> LabelledTexts | LabelledPairs:
        return self.data.splits["all" if "all" in self.data.splits else "test"]


def _sides(part: LabelledTexts | LabelledPairs) -> list[list[str]]:
    return [part.first, part.second] if isinstance(part, LabelledPairs) else [part.texts]


def _features(sides: Sequence[Embeddings]) -> Embeddings:
    """The embeddings themselves, or of two sides what tells whether they agree.

    Shapes:
        sides: one or two of (n, dim)
        returns: (n, dim), or (n, 2 * dim)
    """
    if len(sides) == 1:
        return sides[0]
    u, v = sides
    return np.hstack([np.abs(u - v), u * v])


def _accuracy(right: NDArray[np.bool_], folds: NDArray[np.int64]) -> Statistic:
    """The mean over the folds of the share that is right; NaN where a fold was not drawn."""

    def statistic(counts: Counts) -> float:
        drawn = np.bincount(folds, weights=counts)
        return float(np.mean(np.bincount(folds, weights=counts * right) / drawn)) if drawn.all() else float("nan")

    return statistic


def _f1(predicted: NDArray[Any], gold: NDArray[Any]) -> Statistic:
    """The F1 of the positives; NaN where there are neither predicted nor gold ones."""

    def statistic(counts: Counts) -> float:
        positives = float(counts @ predicted + counts @ gold)
        return 2 * float(counts @ (predicted & gold)) / positives if positives else float("nan")

    return statistic
