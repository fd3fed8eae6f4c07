"""Transfer: what a linear classifier reads off fixed sentence vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from juyi.data import LabelledPairs, LabelledTexts
from juyi.data.sets import TransferSet
from juyi.embeddings import encoded
from juyi.errors import UsageError
from juyi.metrics import Counts, Units, mean_statistic
from juyi.tasks.bootstrapped_score import BootstrappedScore
from juyi.tasks.linear_probe import Data, Predicted, nested_cross_validation, search_by_folds, search_on_dev
from juyi.tasks.sentence_units import sentence_units
from juyi.tasks.similarity import EncodeOrSimilarity, encode_of
from juyi.tasks.task import Task
from juyi.types import Embeddings, Encode

_POSITIVE = "1"


@dataclass(frozen=True, eq=False)
class Transfer(Task):
    """A transfer set of SentEval: the accuracy, times 100, of a logistic regression on the vectors; of pairs the F1 too.

    The protocol follows from the splits, and C, the inverse strength of the L2 penalty, is chosen without the tested sentences:

    - `all` (MR, CR, SUBJ, MPQA): 10-fold cross-validation, C by a 10-fold cross-validation within each training part.
    - train, dev and test (SST2): C on dev, fitted on train.
    - train and test (TREC, MRPC): C by 10-fold cross-validation on train, fitted on all of train.

    A pair becomes one vector, |u - v| beside u * v. Label 1 is the positive class of the F1. The interval is over the tested
    sentences; of another training set it knows nothing.

    Attributes:
        data: The splits.
        jobs: How many folds at a time; None for one a usable core. It changes no figure.

    Raises:
        UsageError: Another choice of splits, nothing to test, or pairs beside texts.

    Source:
        Conneau & Kiela 2018 (arXiv:1803.05449): SentEval's scikit-learn branch, with its grids and its seed. Unlike there, the
        folds are drawn on the sentences as they stand in the file, not sorted by length; TREC gets a softmax, and no intercept
        a penalty. The transfer table of the SimCSE paper comes from SentEval's other branch, a linear layer that PyTorch trains
        with Adam and early stopping: figures from here can stand beside it, but not to the decimal.
    """

    data: TransferSet = field(repr=False)
    jobs: int | None = field(default=None, kw_only=True, repr=False)

    @classmethod
    def of(cls, data: TransferSet) -> Transfer:
        """The task of a set, under its name; the split is `10-fold` or `test`."""
        return cls(data.name, "10-fold" if "all" in data.splits else "test", data)

    def __post_init__(self) -> None:
        if set(self.data.splits) not in ({"all"}, {"train", "dev", "test"}, {"train", "test"}):
            raise UsageError(
                f"{self} has the splits {', '.join(self.data.splits) or 'none'}; transfer needs 'all', or 'train' and 'test', "
                "or these and 'dev'. Give it those."
            )
        if not len(self):
            raise UsageError(f"{self} has no sentences to test. Give it at least one.")
        if len({type(part) for part in self.data.splits.values()}) > 1:
            raise UsageError(f"{self} has pairs in some splits and single texts in others. Give it one kind.")

    def __len__(self) -> int:
        return len(self._tested)

    @cached_property
    def units(self) -> Units:
        """Tested examples that share a sentence, and those that share one with these, are one unit."""
        return sentence_units(zip(*_sides(self._tested), strict=True))

    def texts(self) -> Sequence[str]:
        """The sentences of all splits."""
        return [text for part in self.data.splits.values() for side in _sides(part) for text in side]

    def measure(self, encoder: EncodeOrSimilarity) -> Sequence[BootstrappedScore]:
        """`accuracy`, and `f1` where the examples are pairs.

        Raises:
            UsageError: The encoder gives no usable embeddings, or a class has too few examples.
            MissingExtraError: scikit-learn is not installed.
        """
        gold, predicted = np.array(self._tested.labels), self.classify(encoder).labels
        figures = [self.bootstrapped("accuracy", mean_statistic(predicted == gold), self.units)]
        if isinstance(self._tested, LabelledPairs):
            right, wrong = (predicted == _POSITIVE) & (gold == _POSITIVE), predicted != gold

            def f1(counts: Counts) -> float:
                return float(2 * (counts @ right) / (2 * (counts @ right) + counts @ wrong))

            figures.append(self.bootstrapped("f1", f1, self.units))
        return figures

    def classify(self, encoder: EncodeOrSimilarity) -> Predicted:
        """The label that is predicted for each tested sentence, and the C that was chosen.

        Raises:
            UsageError: As `measure`.
            MissingExtraError: scikit-learn is not installed.
        """
        encode = encode_of(encoder)
        splits = {name: Data(_features(part, encode), np.array(part.labels)) for name, part in self.data.splits.items()}
        if "all" in splits:
            return nested_cross_validation(splits["all"], jobs=self.jobs)
        if "dev" in splits:
            return search_on_dev(splits["train"], splits["dev"], splits["test"].features)
        return search_by_folds(splits["train"], splits["test"].features, jobs=self.jobs)

    @property
    def _tested(self) -> LabelledTexts | LabelledPairs:
        return self.data.splits["all" if "all" in self.data.splits else "test"]


def _sides(part: LabelledTexts | LabelledPairs) -> list[list[str]]:
    return [part.first, part.second] if isinstance(part, LabelledPairs) else [part.texts]


def _features(part: LabelledTexts | LabelledPairs, encode: Encode) -> Embeddings:
    """The embeddings themselves, or of two sides what tells whether they agree.

    Shapes:
        returns: (n, dim), or (n, 2 * dim)
    """
    if isinstance(part, LabelledTexts):
        return encoded(encode, part.texts)
    u, v = (encoded(encode, side) for side in _sides(part))
    return np.hstack([np.abs(u - v), u * v])
