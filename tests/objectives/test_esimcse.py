from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from juyi.encoder import Encoder, random_head
from juyi.errors import TrainingError, UsageError
from juyi.losses import info_nce
from juyi.objectives import ESimCSE
from juyi.objectives.esimcse import MomentumQueue
from juyi.training import ProcessWorld, TrainingSettings, encode_views, fit, plain_step

WORLD = ProcessWorld()
VARIANTS: Any = ["paper", "released"]


def views_of(objective: ESimCSE, encoder: Encoder, rows: list[list[int]], *, seed: int = 0, raw: Any = ()) -> list[Any]:
    return objective.inputs({"text": rows, "raw": raw}, np.random.default_rng(seed), encoder)


def queue_of(objective: ESimCSE, encoder: Encoder) -> MomentumQueue:
    state = objective.start(encoder)
    assert isinstance(state, MomentumQueue)
    return state


def move(encoder: Encoder) -> None:
    """What an optimiser does: other weights."""
    with torch.no_grad():
        for each in encoder.parameters():
            each.add_(0.1 * torch.randn_like(each))


def headed(tiny: Callable[..., Encoder], *, dropout: float = 0.1, seed: int = 1) -> Encoder:
    torch.manual_seed(seed)
    return tiny(dropout=dropout, seed=seed, heads=(random_head(32, "tanh", training_only=True),))


def test_the_queue_grows_to_its_size_and_keeps_the_newest(tiny: Callable[..., Encoder]) -> None:
    objective = ESimCSE(queue_size=160)
    queue = queue_of(objective, tiny())
    batches = [torch.full((64, 32), float(number)) for number in range(1, 6)]
    found = [len(queue.filled_rows())]
    for batch in batches:
        objective.after_step([torch.zeros(64, 32), torch.zeros(64, 32), batch], WORLD, queue)
        found.append(len(queue.filled_rows()))
    assert found == [0, 64, 128, 160, 160, 160]
    assert queue.filled_rows()[:, 0].tolist() == [3.0] * 32 + [4.0] * 64 + [5.0] * 64
    small = queue_of(ESimCSE(queue_size=40), tiny())
    small.append(torch.arange(64.0).unsqueeze(1).expand(64, 32))  # more than it holds
    assert small.filled_rows()[:, 0].tolist() == list(range(24, 64))


@pytest.mark.parametrize("filled", [0, 5])
def test_the_loss_sees_the_queue_of_earlier_steps_and_never_the_current_batch(
    tiny: Callable[..., Encoder], rows: list[list[int]], filled: int
) -> None:
    encoder, objective = tiny(), ESimCSE(queue_size=12, temperature=0.5)
    queue, earlier = queue_of(objective, encoder), torch.randn(filled, 32)
    if filled:
        queue.append(earlier)
    views = views_of(objective, encoder, rows[:8])
    loss, (first, second, third) = plain_step(encoder, objective, views, WORLD, queue, chunk_size=3)
    torch.testing.assert_close(queue.filled_rows(), earlier, rtol=0, atol=0)
    torch.testing.assert_close(loss, info_nce(first, second, temperature=0.5, extra_negatives=earlier))
    assert (float(loss - info_nce(first, second, temperature=0.5)) > 0.01) == bool(filled)
    objective.after_step([first, second, third], WORLD, queue)
    torch.testing.assert_close(queue.filled_rows(), torch.cat([earlier, third])[-12:], rtol=0, atol=0)
    assert not queue.rows.requires_grad


def test_the_copy_encodes_without_dropout_and_gets_no_gradient(tiny: Callable[..., Encoder], rows: list[list[int]]) -> None:
    encoder, objective = headed(tiny, dropout=0.3), ESimCSE(queue_size=12)
    queue = queue_of(objective, encoder)
    move(encoder)  # so that the copy is another encoder
    views = views_of(objective, encoder, rows[:8])
    _, (first, _, third) = plain_step(encoder, objective, views, WORLD, queue, chunk_size=3)
    assert all(each.grad is None and not each.requires_grad for each in queue.parameters())
    assert all(each.grad is not None for each in encoder.heads.parameters())
    copied = queue.momentum
    copied.train()
    copied.backbone.eval()
    wanted = copied.embed(rows[:8])
    torch.testing.assert_close(third, wanted, atol=1e-5, rtol=0)
    assert float((third - first).abs().amax(1).min()) > 0.01


def test_the_copy_is_not_trained_and_no_part_of_the_encoder(
    tiny: Callable[..., Encoder], rows: list[list[int]], tmp_path: Path
) -> None:
    encoder, objective = tiny(), ESimCSE(queue_size=12, momentum=1.0)  # 1: it stays where it began
    names, began = set(encoder.state_dict()), encoder.encode(["图书馆几点关门?"])
    states: list[MomentumQueue] = []

    class Spy(ESimCSE):
        def after_step(self, encoded: Any, world: Any, state: Any) -> None:
            super().after_step(encoded, world, state)
            states.append(state)

    settings = TrainingSettings(batch_size=8, steps=3, learning_rate=1e-2, weight_decay=0.1, schedule="constant")
    fit(encoder, Spy(queue_size=12, momentum=1.0), {"text": rows}, settings, folder=tmp_path, device="cpu")
    np.testing.assert_allclose(states[-1].momentum.encode(["图书馆几点关门?"]), began, atol=1e-6)
    assert not np.allclose(encoder.encode(["图书馆几点关门?"]), began, atol=1e-2)
    assert set(encoder.state_dict()) == names and len(states[-1].filled_rows()) == 12
    assert not any("_live" in name for name in objective.start(encoder).state_dict())


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_copy_follows_and_its_head_is_its_own_or_the_live_one(tiny: Callable[..., Encoder], variant: Any) -> None:
    encoder = headed(tiny)
    objective = ESimCSE(queue_size=12, momentum=0.9, variant=variant)
    queue = queue_of(objective, encoder)
    for _ in range(2):
        theirs = {name: each.clone() for name, each in queue.momentum.named_parameters()}
        move(encoder)
        objective.after_step([torch.zeros(4, 32)] * 3, WORLD, queue)
        for name, each in queue.momentum.named_parameters():
            live = encoder.get_parameter(name).detach()
            shares = variant == "released" and name.startswith("heads.")
            torch.testing.assert_close(each, live if shares else 0.9 * theirs[name] + 0.1 * live, atol=1e-6, rtol=0, msg=name)
            assert not torch.allclose(theirs[name], live, atol=1e-3)


def test_without_a_queue_there_are_two_views_and_no_state(tiny: Callable[..., Encoder], rows: list[list[int]]) -> None:
    encoder, objective = tiny(), ESimCSE(queue_size=0)
    state = objective.start(encoder)
    assert not state.state_dict()
    views = views_of(objective, encoder, rows[:8])
    assert len(views) == 2
    loss, (first, second) = plain_step(encoder, objective, views, WORLD, state, chunk_size=3)
    torch.testing.assert_close(loss, info_nce(first, second, temperature=0.05))
    objective.after_step([first, second], WORLD, state)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_second_view_alone_is_longer(tiny: Callable[..., Encoder], rows: list[list[int]], variant: Any) -> None:
    encoder, objective = tiny(), ESimCSE(variant=variant, rate=0.9)
    first, second, third = views_of(objective, encoder, rows, seed=1)
    again, other = (views_of(objective, encoder, rows, seed=seed)[1].rows for seed in (1, 2))
    assert first.rows == third.rows == rows
    assert [len(row) for row in first.rows] != [len(row) for row in second.rows] == [len(row) for row in again]
    assert (second.rows != other) == (variant == "paper")  # as released, the draw is the same in every epoch
    assert (first.dropout, second.dropout, third.dropout) == (True, True, False)
    assert (first.tower, second.tower, third.tower) == ("", "", "momentum")
    assert views_of(ESimCSE(rate=0.0, variant=variant), encoder, rows)[1].rows == rows


def test_as_released_rows_may_outgrow_max_length_and_the_paper_keeps_it(
    tiny: Callable[..., Encoder], rows: list[list[int]]
) -> None:
    encoder = tiny()
    encoder.max_length = 12
    cut = [row if len(row) <= 12 else [*row[:11], row[-1]] for row in rows]
    paper, released = (views_of(ESimCSE(variant=variant), encoder, cut)[1].rows for variant in VARIANTS)
    assert max(map(len, paper)) == 12 < max(map(len, released))
    encode_views(encoder, views_of(ESimCSE(variant="released"), encoder, cut)[1:2], torch.nn.Module(), chunk_size=64)


@pytest.mark.parametrize("variant", VARIANTS)
def test_words_are_repeated_in_the_sentences_as_written(
    tiny: Callable[..., Encoder], sentences: list[str], rows: list[list[int]], variant: Any
) -> None:
    encoder, objective = tiny(), ESimCSE(unit="words", rate=0.9, variant=variant)
    assert objective.columns == ("text", "raw") and ESimCSE().columns == ("text",)
    first, second, _ = views_of(objective, encoder, rows, raw=sentences, seed=1)
    assert first.rows == rows
    longer = [i for i, row in enumerate(second.rows) if len(row) > len(rows[i])]
    assert len(longer) > len(rows) / 2
    bank = sentences.index("the bank is closed on sundays")
    seen = {tuple(views_of(objective, encoder, [rows[bank]], raw=[sentences[bank]], seed=seed)[1].rows[0]) for seed in range(200)}
    doubled = [sentences[bank].replace(word, f"{word} {word}") for word in ("bank", "closed", "sundays")]
    wanted = {tuple(row) for row in encoder.tokenizer.tokenize(doubled, 40)}
    assert seen >= wanted if variant == "paper" else len(seen) == 1


def test_words_need_the_sentences_as_written(tiny: Callable[..., Encoder], rows: list[list[int]], tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"needs the columns text, raw; raw is missing"):
        fit(tiny(), ESimCSE(unit="words"), {"text": rows}, TrainingSettings(batch_size=8, steps=1), folder=tmp_path, device="cpu")


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("cached", [False, True])
def test_a_resumed_run_ends_in_the_same_bits(
    tiny: Callable[..., Encoder], rows: list[list[int]], tmp_path: Path, variant: Any, cached: bool
) -> None:
    settings = TrainingSettings(
        batch_size=8, chunk_size=3, learning_rate=1e-3, steps=7, checkpoint_every=2, log_every=1, cached=cached
    )
    objective = ESimCSE(queue_size=20, variant=variant)

    def start(name: str, *, seed: int = 1, stop: int = 0) -> dict[str, torch.Tensor]:
        def progress(step: int, steps: int, report: Any) -> None:
            if step == stop:
                raise KeyboardInterrupt

        encoder = headed(tiny, seed=seed)
        fit(encoder, objective, {"text": rows}, settings, folder=tmp_path / name, device="cpu", progress=progress)
        return encoder.state_dict()

    straight = start("straight")
    for seed, stop in ((1, 3), (2, 6)):
        with pytest.raises(KeyboardInterrupt):
            start("stopped", seed=seed, stop=stop)
    resumed = start("stopped", seed=9)  # what it begins with, copy and queue included, comes from the checkpoint
    assert [name for name, tensor in straight.items() if not torch.equal(tensor, resumed[name])] == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"temperature": 0.0}, r"temperature is 0\.0"),
        ({"rate": 1.0}, r"rate of repetition is 1\.0"),
        ({"rate": -0.1}, r"rate of repetition is -0\.1"),
        ({"queue_size": -1}, "queue_size is -1"),
        ({"momentum": 1.1}, r"momentum is 1\.1"),
        ({"momentum": math.nan}, "momentum is nan"),
    ],
)
def test_settings_that_cannot_be(change: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        ESimCSE(**change)
