from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from juyi.augmentation import Crop, DeleteOne, DeleteWords, NoAugmentation, RepeatWords
from juyi.encoder import Encoder, save_encoder
from juyi.errors import UsageError
from juyi.losses import info_nce, nt_xent
from juyi.objectives import SimCSEUnsupervised
from juyi.training import ProcessWorld, encode_views, seed_step

COUNT = 9
NEGATIVES = ["cross-view", "all-views"]
ROUNDING = 4e-6
"""Of float32 at logits of 20, the cosine divided by 0.05: one unit in the last place is 1.9e-6."""


def run(
    objective: SimCSEUnsupervised, encoder: Encoder, rows: list[list[int]], *, seed: int = 5
) -> tuple[float, list[torch.Tensor]]:
    views = objective.inputs({"text": rows}, np.random.default_rng(0), encoder)
    torch.manual_seed(seed)
    encoded = encode_views(encoder, views, torch.nn.Module(), chunk_size=100)
    loss = objective.loss(encoded, views, ProcessWorld(), objective.start(encoder))
    return float(loss.detach()), [rows.detach() for rows in encoded]


def by_hand(encoder: Encoder, rows: list[list[int]], *, dropout: bool, seed: int = 5) -> torch.Tensor:
    """One forward, longest row first, without the training code."""
    order = sorted(range(len(rows)), key=lambda i: -len(rows[i]))
    encoder.train(dropout)
    torch.manual_seed(seed)
    vectors = encoder.embed([rows[i] for i in order])
    back = torch.empty_like(vectors)
    back[torch.tensor(order)] = vectors
    return back.detach()


def formula(negatives: str) -> Callable[..., torch.Tensor]:
    return info_nce if negatives == "cross-view" else nt_xent


def slow_all_views(first: NDArray[Any], second: NDArray[Any], temperature: float) -> float:
    """kexue.fm 8348, its only equation, divided by the 2N terms of its sum."""
    views, count = [first, second], len(first)

    def e(x: NDArray[Any], y: NDArray[Any]) -> float:
        return math.exp(float(x @ y / np.linalg.norm(x) / np.linalg.norm(y)) / temperature)

    total = 0.0
    for i in range(count):
        for a in (0, 1):
            h, same, other = views[a][i], views[a], views[1 - a]
            below = sum(e(h, same[j]) for j in range(count) if j != i) + sum(e(h, other[j]) for j in range(count))
            total -= math.log(e(h, other[i]) / below)
    return total / (2 * count)


@pytest.mark.parametrize("kind", ["bert", "modernbert"])
@pytest.mark.parametrize("negatives", NEGATIVES)
def test_two_dropout_views_are_two_passes(tiny: Callable[..., Encoder], rows: list[list[int]], kind: str, negatives: Any) -> None:
    encoder, some = tiny(kind), rows[:COUNT]
    loss, encoded = run(SimCSEUnsupervised(negatives=negatives, temperature=0.07), encoder, some)
    both = by_hand(encoder, some + some, dropout=True)
    first, second = both[:COUNT], both[COUNT:]
    torch.testing.assert_close(encoded[0], first)
    torch.testing.assert_close(encoded[1], second)
    assert loss == pytest.approx(float(formula(negatives)(first, second, temperature=0.07)), abs=ROUNDING)
    assert float((first - second).abs().min(1).values.max()) > 0  # every sentence got a dropout of its own


@pytest.mark.parametrize("negatives", NEGATIVES)
def test_fixed_mask_is_one_pass_with_dropout_used_twice(
    tiny: Callable[..., Encoder], rows: list[list[int]], negatives: Any
) -> None:
    encoder, some = tiny(), rows[:COUNT]
    loss, encoded = run(SimCSEUnsupervised(negatives=negatives, views="fixed-mask"), encoder, some)
    assert len(encoded) == 1  # the two views are one tensor: their alignment is 0
    once = by_hand(encoder, some, dropout=True)
    torch.testing.assert_close(encoded[0], once)
    assert loss == pytest.approx(float(formula(negatives)(once, once, temperature=0.05)), abs=ROUNDING)
    still = by_hand(encoder, some, dropout=False)
    assert float((once - still).square().sum(1).min()) > 1e-4


@pytest.mark.parametrize("negatives", NEGATIVES)
def test_no_dropout_is_the_loss_of_the_encoding(
    tiny: Callable[..., Encoder], rows: list[list[int]], sentences: list[str], negatives: Any
) -> None:
    encoder = tiny()
    loss, _ = run(SimCSEUnsupervised(negatives=negatives, views="no-dropout"), encoder, rows[:COUNT])
    vectors = torch.from_numpy(encoder.encode(sentences[:COUNT]))
    assert loss == pytest.approx(float(formula(negatives)(vectors, vectors, temperature=0.05)), abs=ROUNDING)
    assert loss != pytest.approx(run(SimCSEUnsupervised(negatives=negatives), encoder, rows[:COUNT])[0], abs=1e-3)


@pytest.mark.parametrize("temperature", [0.05, 0.5])
def test_all_views_equals_the_equation_of_the_chinese_experiments(
    tiny: Callable[..., Encoder], rows: list[list[int]], temperature: float
) -> None:
    encoder = tiny()
    loss, (first, second) = run(SimCSEUnsupervised(negatives="all-views", temperature=temperature), encoder, rows[:COUNT])
    wanted = slow_all_views(first.double().numpy(), second.double().numpy(), temperature)
    assert loss == pytest.approx(wanted, abs=ROUNDING if temperature < 0.1 else 1e-6)


def test_the_two_kinds_of_negatives_are_two_numbers(tiny: Callable[..., Encoder], rows: list[list[int]]) -> None:
    found = [run(SimCSEUnsupervised(negatives=negatives), tiny(), rows[:COUNT])[0] for negatives in NEGATIVES]  # type: ignore[arg-type]
    assert abs(found[0] - found[1]) > 0.1


@pytest.mark.parity
@pytest.mark.filterwarnings("default")
def test_cross_view_equals_sentence_transformers(
    tiny: Callable[..., Encoder], rows: list[list[int]], sentences: list[str], tmp_path: Path
) -> None:
    library = pytest.importorskip("sentence_transformers")
    losses = pytest.importorskip("sentence_transformers.losses")
    encoder = tiny(dropout=0.0)
    theirs = library.SentenceTransformer(str(save_encoder(encoder, tmp_path / "model")), device="cpu")
    features = [theirs.tokenize(sentences[:COUNT]) for _ in range(2)]
    wanted = float(losses.MultipleNegativesRankingLoss(theirs, scale=20.0)(features, torch.zeros(COUNT)).detach())
    assert run(SimCSEUnsupervised(), encoder, rows[:COUNT])[0] == pytest.approx(wanted, abs=ROUNDING)


def test_it_has_no_state(tiny: Callable[..., Encoder]) -> None:
    assert not list(SimCSEUnsupervised().start(tiny()).parameters())


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan])
def test_a_temperature_must_be_above_zero(temperature: float) -> None:
    with pytest.raises(UsageError, match=r"temperature is .* must be above 0"):
        SimCSEUnsupervised(temperature=temperature)


AUGMENTATIONS: list[Any] = [Crop(), DeleteOne(), DeleteWords(), RepeatWords()]


@pytest.mark.parametrize("augmentation", AUGMENTATIONS, ids=lambda one: one.kind)
@pytest.mark.parametrize("views", ["dropout", "no-dropout"])
def test_the_second_view_alone_is_augmented_and_anew_at_every_step(
    tiny: Callable[..., Encoder], rows: list[list[int]], sentences: list[str], augmentation: Any, views: Any
) -> None:
    encoder, objective = tiny(), SimCSEUnsupervised(augmentation=augmentation, views=views)
    assert objective.columns == ("text", "raw")
    batch = {"text": rows, "raw": sentences}
    made = [objective.inputs(batch, seed_step(1, 0, step), encoder) for step in (0, 0, 1)]
    assert all(first.rows == rows for first, _ in made)
    assert all(view.dropout == (views == "dropout") for both in made for view in both)
    second = [both[1].rows for both in made]
    assert second[0] == second[1] != second[2]
    assert second[0] == encoder.tokenizer.tokenize(augmentation(sentences, seed_step(1, 0, 0)), encoder.max_length)
    assert sum(list(new) != row for new, row in zip(second[0], rows, strict=True)) > len(rows) / 2


@pytest.mark.parametrize("negatives", NEGATIVES)
def test_an_augmented_loss_is_that_of_its_two_views(
    tiny: Callable[..., Encoder], rows: list[list[int]], sentences: list[str], negatives: Any
) -> None:
    encoder, objective = tiny(), SimCSEUnsupervised(negatives=negatives, augmentation=DeleteOne(), views="no-dropout")
    views = objective.inputs({"text": rows[:COUNT], "raw": sentences[:COUNT]}, np.random.default_rng(3), encoder)
    encoded = encode_views(encoder, views, torch.nn.Module(), chunk_size=4)
    changed = torch.from_numpy(encoder.encode(DeleteOne()(sentences[:COUNT], np.random.default_rng(3))))
    torch.testing.assert_close(encoded[1].detach(), changed, atol=1e-5, rtol=0)
    loss = float(objective.loss(encoded, views, ProcessWorld(), torch.nn.Module()).detach())
    still = torch.from_numpy(encoder.encode(sentences[:COUNT]))
    assert loss == pytest.approx(float(formula(negatives)(still, changed, temperature=0.05)), abs=2 * ROUNDING)


def test_an_augmented_view_is_cut_to_max_length(tiny: Callable[..., Encoder], sentences: list[str]) -> None:
    encoder = tiny()
    encoder.max_length = 9
    rows = encoder.tokenizer.tokenize(sentences, 9)
    objective = SimCSEUnsupervised(augmentation=RepeatWords(rate=0.9))
    _, second = objective.inputs({"text": rows, "raw": sentences}, np.random.default_rng(0), encoder)
    assert max(map(len, second.rows)) == 9


def test_without_augmentation_the_sentences_as_written_are_not_needed() -> None:
    assert SimCSEUnsupervised().columns == SimCSEUnsupervised(augmentation=NoAugmentation()).columns == ("text",)


def test_one_pass_cannot_be_augmented() -> None:
    with pytest.raises(UsageError, match=r"views is 'fixed-mask', one pass for both views, so the second cannot be augmented"):
        SimCSEUnsupervised(views="fixed-mask", augmentation=DeleteOne())
