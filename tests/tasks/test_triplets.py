from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

import numpy as np
import pytest

from juyi.data import LabelledPairs, Triplets
from juyi.errors import UsageError
from juyi.metrics import Bootstrap, Units, resample_counts
from juyi.tasks import Task, TripletAccuracy
from juyi.tasks.triplets import triplets_from_nli
from juyi.types import Embeddings

Percentiles = Callable[[Sequence[float], float, float], list[float]]


def angles(texts: Sequence[str]) -> Embeddings:
    """Each text is its own angle in degrees."""
    turns = np.radians([float(text) for text in texts])
    return np.stack([np.cos(turns), np.sin(turns)], axis=1).astype(np.float32)


def of(*rows: tuple[str, str, str]) -> Triplets:
    return Triplets(*(list(column) for column in zip(*rows, strict=True)))


def labelled(rows: Sequence[tuple[str, str, str]]) -> LabelledPairs:
    return LabelledPairs(*(list(column) for column in zip(*rows, strict=True)))


def test_a_triplet_is_right_where_the_positive_is_nearer() -> None:
    triplets = of(
        ("0", "10", "90"),  # right
        ("0", "80", "20"),  # wrong
        ("45", "80", "170"),  # right: 35 degrees against 125
        ("30", "60", "60"),  # the same sentence on both sides: a tie, and an error
        ("90", "100", "70"),  # right
    )
    (score,) = TripletAccuracy("NLI", "dev", triplets, labels=("translated",)).evaluate(angles)
    assert score.value == pytest.approx(60)
    assert (score.task, score.split, score.metric, score.count, score.labels) == ("NLI", "dev", "accuracy", 5, ("translated",))


def test_the_interval_is_over_the_triplets(percentiles: Percentiles) -> None:
    right = np.random.default_rng(0).integers(0, 2, 40)
    # Every anchor another full turn of the same angle: no two triplets share a sentence.
    turned = [[str(360 * (3 * turn + side) + angle) for side, angle in enumerate((0, 10, 90))] for turn in range(40)]
    triplets = of(*((a, b, c) if each else (a, c, b) for (a, b, c), each in zip(turned, right, strict=True)))
    (score,) = TripletAccuracy("NLI", "dev", triplets, bootstrap=Bootstrap(0.9, 50, 3)).evaluate(angles)
    drawn = [
        100 * np.repeat(right, counts).mean()
        for counts in islice(resample_counts(Units.single(40), seed=3, stream="NLI dev"), 50)
    ]
    assert score.interval is not None
    np.testing.assert_allclose((score.interval.low, score.interval.high), percentiles(drawn, 0.9, 40))
    assert score.units == 40


def test_triplets_that_share_a_sentence_are_one_unit() -> None:
    triplets = of(("0", "10", "90"), ("5", "15", "95"), ("90。", "100", "190"), ("20", "30", "15"), ("40", "50", "60"))
    task = TripletAccuracy("NLI", "dev", triplets)
    assert task.units.of.tolist() == [0, 1, 0, 1, 2]


def test_it_is_a_task_that_asks_for_its_texts() -> None:
    task = TripletAccuracy("NLI", "dev", of(("0", "10", "90"), ("0", "20", "10")))
    assert isinstance(task, Task)
    assert (len(task), str(task)) == (2, "NLI dev")
    assert sorted(set(task.texts())) == ["0", "10", "20", "90"]
    assert len(repr(task)) < 200


def test_no_triplets_are_refused() -> None:
    with pytest.raises(UsageError, match="NLI dev has no triplets"):
        TripletAccuracy("NLI", "dev", Triplets([], [], []))


def test_nli_rows_give_each_premise_with_what_it_entails_and_what_contradicts_it() -> None:
    rows = [
        ("p", "follows", "entailment"),
        ("p", "maybe", "neutral"),
        ("q", "no", "contradiction"),
        ("p", "never", "contradiction"),
        ("p", "follows too", "entailment"),
        ("p", "never ever", "contradiction"),
        ("p", "not at all", "contradiction"),
    ]
    assert triplets_from_nli(labelled(rows)) == of(("p", "follows", "never"), ("p", "follows too", "never ever"))
    with pytest.raises(UsageError, match="None of the 1 premises has both"):
        triplets_from_nli(labelled(rows[2:3]))
    with pytest.raises(UsageError, match="'yes' is none of contradiction, entailment, neutral"):
        triplets_from_nli(labelled([("p", "h", "yes")]))
