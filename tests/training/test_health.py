from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch

from juyi.encoder import Encoder
from juyi.metrics import effective_rank
from juyi.objectives import (
    ContrastiveTension,
    CoSENT,
    Distillation,
    MaskedLM,
    Objective,
    PairContrastive,
    SimCSEUnsupervised,
    View,
)
from juyi.training import alarms, encode_views, signals
from juyi.training.health import two_views, unsaid


def different(count: int) -> list[list[int]]:
    return [[2, 5 + row, 3] for row in range(count)]


def square_distance(x: list[float], y: list[float]) -> float:
    x, y = [a / math.sqrt(sum(b * b for b in x)) for a in x], [a / math.sqrt(sum(b * b for b in y)) for a in y]
    return sum((a - b) ** 2 for a, b in zip(x, y, strict=True))


def test_signals_equal_the_loops() -> None:
    torch.manual_seed(0)
    first, second = torch.randn(9, 5) + 0.5, torch.randn(9, 5) * 3
    found = signals([first, second], [View(different(9))] * 2)
    pairs = [(i, j) for i in range(9) for j in range(i)]
    kernel = [math.exp(-2 * square_distance(first[i].tolist(), first[j].tolist())) for i, j in pairs]
    distances = [square_distance(x.tolist(), y.tolist()) for x, y in zip(first, second, strict=True)]
    assert found["uniformity"] == pytest.approx(math.log(sum(kernel) / len(pairs)), abs=1e-6)
    assert found["alignment"] == pytest.approx(sum(distances) / 9, abs=1e-6)
    assert found["view_cosine"] == pytest.approx(1 - sum(distances) / 18, abs=1e-6)  # on the sphere one follows from the other
    assert found["effective_rank"] == pytest.approx(effective_rank(first.numpy()), rel=1e-6)


@pytest.mark.parametrize(("count", "dim"), [(2, 3), (3, 2), (12, 40), (40, 12), (64, 64)])
@pytest.mark.parametrize("fall", [0.0, 3.0, 9.0])
def test_the_effective_rank_is_that_of_the_metrics(count: int, dim: int, fall: float) -> None:
    torch.manual_seed(1)
    rows = torch.randn(count, dim) @ torch.diag(torch.logspace(0, -fall, dim)) + 2
    found = signals([rows], [View(different(count))])["effective_rank"]
    assert found == pytest.approx(effective_rank(rows.numpy()), rel=1e-4)
    assert 1 <= found <= min(count - 1, dim) + 1e-6


def test_equal_vectors_have_one_direction() -> None:
    found = signals([torch.randn(1, 8).expand(10, 8)], [View(different(10))])
    assert found["effective_rank"] == 1.0 and found["uniformity"] == pytest.approx(0, abs=1e-5)
    assert "effective_rank" not in signals([torch.full((4, 3), torch.inf)], [View(different(4))])


def test_signals_are_of_sentences_only() -> None:
    tokens = View([[1, 2]] * 3, positions=[np.array([0])] * 3)
    assert signals([torch.randn(3, 4)], [tokens]) == {}
    assert signals([torch.randn(1, 4)] * 2, [View([[1]])] * 2) == {}
    assert set(signals([torch.randn(3, 4)], [View([[1]] * 3)])) == {"uniformity", "effective_rank"}
    beside = signals([torch.randn(9, 4), torch.randn(3, 4), torch.randn(3, 4)], [tokens, *[View(different(3))] * 2])
    assert set(beside) == {"uniformity", "effective_rank", "alignment", "view_cosine"}
    uneven = signals([torch.randn(3, 4), torch.randn(6, 4)], [View(different(3)), View(different(6))])
    assert set(uneven) == {"uniformity", "effective_rank"}


def test_no_alarm_when_all_is_well() -> None:
    assert alarms(0.5, {"alignment": 0.1, "uniformity": -2.0}) == []
    assert alarms(0.5, {}) == []
    torch.manual_seed(0)
    views = [View(different(16))] * 2
    encoded = [torch.randn(16, 24), torch.randn(16, 24)]
    assert alarms(math.log(16), signals(encoded, views), views) == []  # chance is where a loss begins


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_not_finite(loss: float) -> None:
    assert [words for words in alarms(loss, {}) if f"The loss is {loss}" in words and "learning rate" in words]


@pytest.mark.parametrize("with_views", [False, True])
def test_collapse_in_words(with_views: bool) -> None:
    torch.manual_seed(0)
    vectors, other = (torch.ones(8, 4) + 0.01 * torch.randn(8, 4) for _ in range(2))
    views = [View(different(8))] * 2
    (words,) = alarms(0.5, signals([vectors, other], views), views if with_views else ())
    assert "collapsed" in words and "learning_rate" in words and "pooling" in words


def test_collapse_to_a_line() -> None:
    torch.manual_seed(0)
    line = torch.linspace(-1, 1, 16)[:, None] * torch.randn(1, 12) + 1e-4 * torch.randn(16, 12)
    views = [View(different(16))]
    found = signals([line], views)
    assert found["uniformity"] < -0.05 and found["effective_rank"] < 1.5
    assert [words for words in alarms(0.5, found, views) if "on one line" in words]


@pytest.mark.parametrize("count", [2, 3, 5])
def test_few_rows_have_few_directions_and_no_collapse(count: int) -> None:
    torch.manual_seed(0)
    views = [View(different(count))]
    assert alarms(0.5, signals([torch.randn(count, 12)], views), views) == []


def test_rows_of_one_sentence_are_no_collapse() -> None:
    views = [View([[2, 7, 3]] * 16)]
    (words,) = alarms(0.5, signals([torch.ones(16, 8)], views), views)
    assert "have the same tokens as another row" in words


@pytest.mark.parametrize("kind", ["bert", "modernbert"])
@pytest.mark.parametrize("chunk_size", [3, 5, 16])
@pytest.mark.parametrize(("dropout", "said"), [(0.0, True), (0.001, False), (0.1, False)])
def test_dropout_off_in_words(
    tiny: Callable[..., Encoder], rows: list[list[int]], kind: str, chunk_size: int, dropout: float, said: bool
) -> None:
    encoder, objective = tiny(kind, dropout=dropout), SimCSEUnsupervised()
    torch.manual_seed(0)
    for some in (rows[:16], rows[30:46]):
        views = objective.inputs({"text": some}, np.random.default_rng(0), encoder)
        with torch.no_grad():
            encoded = encode_views(encoder, views, torch.nn.Module(), chunk_size=chunk_size)
        for words in (alarms(0.5, signals(encoded, views)), alarms(0.5, signals(encoded, views), views)):
            assert any("dropout is off" in sentence for sentence in words) is said


def encoded_by(
    objective: Objective,
    encoder: Encoder,
    batch: dict[str, Sequence[object]],
) -> tuple[list[torch.Tensor], list[View]]:
    torch.manual_seed(0)
    views = objective.inputs(batch, np.random.default_rng(0), encoder)
    with torch.no_grad():
        return encode_views(encoder, views, objective.start(encoder), chunk_size=5), views


@pytest.mark.parametrize(("views", "mask"), [("fixed-mask", "with one dropout mask"), ("no-dropout", "without dropout")])
def test_one_pass_for_both_views(tiny: Callable[..., Encoder], rows: list[list[int]], views: str, mask: str) -> None:
    encoded, shown = encoded_by(SimCSEUnsupervised(views=views), tiny(), {"text": rows[:16]})
    assert two_views(encoded, shown) == {"note": f"The two views are identical by choice: one pass {mask} is used for both."}
    assert alarms(0.0, signals(encoded, shown), shown) == []


@pytest.mark.parametrize("kind", ["bert", "modernbert"])
def test_two_dropout_views_are_proven_different(tiny: Callable[..., Encoder], rows: list[list[int]], kind: str) -> None:
    encoded, shown = encoded_by(SimCSEUnsupervised(), tiny(kind), {"text": rows[:16]})
    found = two_views(encoded, shown)
    units = [torch.nn.functional.normalize(vectors, dim=-1) for vectors in encoded]
    distances = (units[0] - units[1]).norm(dim=1)
    assert found["smallest_distance"] == pytest.approx(float(distances.min()), rel=1e-4)
    assert found["mean_distance"] == pytest.approx(float(distances.mean()), rel=1e-4)
    assert found["view_cosine"] == pytest.approx(signals(encoded, shown)["view_cosine"])
    cosine, smallest = found["view_cosine"], found["smallest_distance"]
    assert found["note"] == (
        f"The two dropout views of a sentence differ: mean cosine {cosine:.2f}, smallest distance {smallest:.2g}."
    )


def test_identical_views_are_called_so(tiny: Callable[..., Encoder], rows: list[list[int]]) -> None:
    encoded, shown = encoded_by(SimCSEUnsupervised(), tiny(dropout=0.0), {"text": rows[:16]})
    note = str(two_views(encoded, shown)["note"])
    assert note.startswith("The two dropout views of a sentence are identical (mean distance ")
    assert note.endswith("): dropout makes no difference.")


def test_views_that_differ_for_some_sentences_only() -> None:
    torch.manual_seed(0)
    first = torch.randn(10, 8)
    second = first + torch.cat([torch.zeros(4, 8), torch.randn(6, 8)])
    found = two_views([first, second], [View(different(10))] * 2)
    assert str(found["note"]).startswith("The two dropout views of a sentence differ for 6 of 10 rows: mean cosine ")


def pairs(rows: list[list[int]], group: Sequence[int], *, positive: list[list[int]] | None = None) -> dict[str, Sequence[object]]:
    return {"anchor": rows, "positive": positive or rows[::-1], "group": list(group)}


def test_labelled_pairs_are_other_texts(tiny: Callable[..., Encoder], rows: list[list[int]]) -> None:
    encoded, shown = encoded_by(PairContrastive(), tiny(), pairs(rows[:16], range(16)))
    assert str(two_views(encoded, shown)["note"]).startswith("The two texts of a row differ: mean cosine 0.")
    assert alarms(0.5, signals(encoded, shown), shown) == []
    flat = [torch.randn(16, 8)] * 2  # a model that gives both texts of a pair one vector has not lost its dropout
    assert alarms(0.5, signals(flat, shown), shown) == []
    assert two_views(flat, shown)["note"] == "The two texts of a row are identical (mean distance 0)."


def test_pairs_without_dropout_by_choice(tiny: Callable[..., Encoder], rows: list[list[int]]) -> None:
    same = pairs(rows[:16], range(16), positive=rows[:16])
    encoded, shown = encoded_by(PairContrastive(dropout=False), tiny(), same)
    assert alarms(0.5, signals(encoded, shown), shown) == []


def test_two_encoders_that_agree_at_the_start(tiny: Callable[..., Encoder], rows: list[list[int]]) -> None:
    encoded, shown = encoded_by(ContrastiveTension(dropout=False), tiny(), {"text": rows[:16]})
    note = str(two_views(encoded, shown)["note"])
    assert note.startswith("The two encoders' views of a sentence are identical (mean distance ") and "dropout" not in note
    assert alarms(0.5, signals(encoded, shown), shown) == []
    own = next(vectors for vectors, view in zip(encoded, shown, strict=True) if not view.tower)
    apart = [vectors if vectors is own else torch.randn_like(vectors) for vectors in encoded]
    assert signals(apart, shown)["effective_rank"] == signals([own], [View(rows[:16])])["effective_rank"]


@pytest.mark.parametrize(("objective", "extra"), [(MaskedLM(), {}), (Distillation(), {"target": np.ones((16, 32))})])
def test_objectives_without_two_views(
    tiny: Callable[..., Encoder], rows: list[list[int]], objective: Objective, extra: dict[str, Sequence[object]]
) -> None:
    batch = {"text": [*rows[:8], *rows[:8]], **extra}  # and rows that come twice are no negatives of each other here
    encoded, shown = encoded_by(objective, tiny(), batch)
    assert two_views(encoded, shown) == {}
    assert alarms(0.5, signals(encoded, shown), shown, negatives=objective.in_batch_negatives) == []


@pytest.mark.parametrize("labels", [[0, 1, 2, 3], [0.5, 1.5, 2.5, 3.5], [True, False, True, False], [[1.0], [2.0], [3.0], [4.0]]])
@pytest.mark.parametrize("groups", [None, [7, 8, 7, 8], [7, 8, 9, 10]])
def test_groups_alone_say_who_is_a_negative(labels: list[object], groups: list[int] | None) -> None:
    """Whole numbers, halves, truth values or vectors: what the loss compares with says nothing of negatives."""
    rows = [[2, 5, 3], [2, 6, 3], [2, 5, 3], [2, 6, 3]]
    view = View(rows, labels=np.asarray(labels), groups=None if groups is None else np.asarray(groups))
    found = {"uniformity": -2.0, "effective_rank": 2.0}
    words = alarms(0.5, found, [view, view])
    assert [sentence[:15] for sentence in words] == ([] if groups == [7, 8, 7, 8] else ["4 of the 4 rows"])
    assert alarms(0.5, found, [view, view], negatives=False) == []


@pytest.mark.parametrize("scores", [[0, 5, 2, 2, 1, 4, 0, 3], [0.0, 5.0, 2.5, 2.5, 1.0, 4.0, 0.0, 3.0]], ids=["whole", "parts"])
def test_scores_are_no_groups(tiny: Callable[..., Encoder], rows: list[list[int]], scores: list[float]) -> None:
    batch = {"first": [*rows[:4], *rows[:4]], "second": rows[8:16], "score": scores}
    encoded, shown = encoded_by(CoSENT(), tiny(), batch)
    assert all(view.groups is None for view in shown)
    assert shown[0].labels is not None and shown[0].labels.dtype == np.float64
    assert alarms(0.5, signals(encoded, shown), shown, negatives=CoSENT.in_batch_negatives) == []


def test_duplicates_as_negatives(tiny: Callable[..., Encoder], rows: list[list[int]]) -> None:
    encoded, shown = encoded_by(SimCSEUnsupervised(), tiny(), {"text": [*rows[:13], rows[2], rows[2], rows[7]]})
    (words,) = alarms(0.5, signals(encoded, shown), shown)
    assert words.startswith("5 of the 16 rows of this batch have the same tokens as another row")
    assert "data.distinct" in words and "training.distinct_batches" in words
    assert alarms(0.5, signals(encoded, shown), shown, negatives=False) == []


def test_rows_of_one_group_are_no_negatives(tiny: Callable[..., Encoder], rows: list[list[int]]) -> None:
    anchors = [*rows[:14], rows[0], rows[1]]
    encoded, shown = encoded_by(PairContrastive(), tiny(), pairs(anchors, [*range(14), 0, 1], positive=rows[20:36]))
    assert alarms(0.5, signals(encoded, shown), shown) == []
    encoded, shown = encoded_by(PairContrastive(), tiny(), pairs(anchors, [*range(14), 0, 99], positive=rows[20:36]))
    assert [words for words in alarms(0.5, signals(encoded, shown), shown) if words.startswith("2 of the 16 rows")]


def test_a_sentence_is_said_once_whatever_its_numbers() -> None:
    first, second, other = "5 of the 16 rows are equal.", "12 of the 16 rows are equal.", "The loss is nan."
    assert unsaid([first, other], []) == [first, other]
    assert unsaid([second, other], [first]) == [other]
    assert unsaid([first, second], []) == [first]
