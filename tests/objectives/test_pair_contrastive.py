from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from juyi.encoder import Encoder, save_encoder
from juyi.errors import TrainingError, UsageError
from juyi.objectives import PairContrastive
from juyi.training import ProcessWorld, encode_views, plain_step

COUNT = 8
ROUNDING = 4e-6
"""Of float32 at logits of 20, the cosine divided by 0.05: one unit in the last place is 1.9e-6."""


def run(
    objective: PairContrastive, encoder: Encoder, rows: list[list[int]], groups: Sequence[int]
) -> tuple[float, list[torch.Tensor]]:
    batch = {"anchor": rows[:COUNT], "positive": rows[COUNT : 2 * COUNT], "group": groups}
    views = objective.inputs(batch, np.random.default_rng(0), encoder)
    torch.manual_seed(5)
    loss, encoded = plain_step(encoder, objective, views, ProcessWorld(), objective.start(encoder), chunk_size=5)
    return float(loss), encoded


def slow(anchors: NDArray[Any], positives: NDArray[Any], groups: Sequence[int], temperature: float) -> float:
    """Each anchor among its positive and the positives of the other groups."""
    total = 0.0
    for i, anchor in enumerate(anchors):
        odds = []
        for j, positive in enumerate(positives):
            if j == i or groups[j] != groups[i]:
                odds.append(math.exp(anchor @ positive / np.linalg.norm(anchor) / np.linalg.norm(positive) / temperature))
            if j == i:
                own = odds[-1]
        total -= math.log(own / sum(odds))
    return total / len(anchors)


@pytest.mark.parametrize("groups", [range(COUNT), [0, 1, 0, 2, 3, 1, 0, 9], [-5, -5, -5, -5, 7, 7, 7, 7]], ids=str)
@pytest.mark.parametrize("temperature", [0.05, 0.5])
@pytest.mark.parametrize("symmetric", [True, False])
def test_the_loss_equals_the_slow_loop(
    tiny: Callable[..., Encoder], rows: list[list[int]], groups: Sequence[int], temperature: float, symmetric: bool
) -> None:
    objective = PairContrastive(temperature=temperature, symmetric=symmetric)
    loss, encoded = run(objective, tiny(), rows, groups)
    anchors, positives = (one.double().numpy() for one in encoded)
    wanted = slow(anchors, positives, groups, temperature)
    back = slow(positives, anchors, groups, temperature)
    assert abs(back - wanted) > 1e-4
    assert loss == pytest.approx((wanted + back) / 2 if symmetric else wanted, abs=ROUNDING)


@pytest.mark.parametrize("symmetric", [True, False])
def test_one_group_has_nothing_to_tell_apart(tiny: Callable[..., Encoder], rows: list[list[int]], symmetric: bool) -> None:
    encoder = tiny()
    assert run(PairContrastive(symmetric=symmetric), encoder, rows, [4] * COUNT)[0] == 0.0
    assert all(not parameter.grad.any() for parameter in encoder.parameters() if parameter.grad is not None)


@pytest.mark.parametrize("groups", [[0.2, 0.7] * 4, [1.0, 2.0] * 4, [math.nan] * 8, ["a", "b"] * 4, [True, False] * 4])
def test_groups_that_are_no_whole_numbers_are_refused(
    tiny: Callable[..., Encoder], rows: list[list[int]], groups: Sequence[Any]
) -> None:
    with pytest.raises(TrainingError, match="whole numbers are needed"):
        run(PairContrastive(), tiny(), rows, groups)


def test_both_sides_know_their_groups(tiny: Callable[..., Encoder], rows: list[list[int]]) -> None:
    batch = {"anchor": rows[:4], "positive": rows[4:8], "group": [3, 1, 3, 2]}
    for view in PairContrastive().inputs(batch, np.random.default_rng(0), tiny()):
        assert view.groups is not None and view.groups.tolist() == [3, 1, 3, 2] and view.labels is None


def test_large_group_numbers_stay_apart(tiny: Callable[..., Encoder], rows: list[list[int]]) -> None:
    apart = run(PairContrastive(), tiny(), rows, range(COUNT))[0]
    for start in (2**24, 2**53, 2**63 - COUNT):  # float32 and float64 know no odd numbers from the first two on
        assert run(PairContrastive(), tiny(), rows, range(start, start + COUNT))[0] == apart


@pytest.mark.parametrize("dropout", [True, False])
def test_both_texts_are_encoded_with_dropout_unless_it_is_off(
    tiny: Callable[..., Encoder], rows: list[list[int]], sentences: list[str], dropout: bool
) -> None:
    encoder = tiny()
    batch = {"anchor": rows[:COUNT], "positive": rows[COUNT : 2 * COUNT], "group": range(COUNT)}
    views = PairContrastive(dropout=dropout).inputs(batch, np.random.default_rng(0), encoder)
    still = torch.from_numpy(encoder.encode(sentences[: 2 * COUNT]))
    found = torch.cat(encode_views(encoder, views, torch.nn.Module(), chunk_size=5)).detach()
    smallest = float((found - still).square().sum(1).min())
    assert smallest > 1e-4 if dropout else torch.allclose(found, still, atol=1e-5)


def test_dropout_is_on_by_default() -> None:
    assert PairContrastive().dropout and PairContrastive().symmetric


@pytest.mark.parity
@pytest.mark.parametrize("symmetric", [True, False])
def test_without_groups_it_equals_sentence_transformers(
    tiny: Callable[..., Encoder], rows: list[list[int]], sentences: list[str], tmp_path: Path, symmetric: bool
) -> None:
    library = pytest.importorskip("sentence_transformers")
    from sentence_transformers.sentence_transformer import losses

    encoder = tiny(dropout=0.0)
    theirs = library.SentenceTransformer(str(save_encoder(encoder, tmp_path / "model")), device="cpu")
    columns = [sentences[:COUNT], sentences[COUNT : 2 * COUNT]]
    both = [columns, columns[::-1]] if symmetric else [columns]
    ranking = losses.MultipleNegativesRankingLoss(theirs, scale=20.0)
    wanted = np.mean([float(ranking([theirs.preprocess(c) for c in way], torch.zeros(COUNT)).detach()) for way in both])
    assert run(PairContrastive(symmetric=symmetric), encoder, rows, range(COUNT))[0] == pytest.approx(wanted, abs=ROUNDING)


def test_it_has_no_state(tiny: Callable[..., Encoder]) -> None:
    assert not list(PairContrastive().start(tiny()).parameters())


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan])
def test_a_temperature_must_be_above_zero(temperature: float) -> None:
    with pytest.raises(UsageError, match=r"temperature is .* must be above 0"):
        PairContrastive(temperature=temperature)
