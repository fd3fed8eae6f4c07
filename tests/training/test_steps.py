from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any, cast

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from juyi.encoder import Encoder, random_head
from juyi.objectives import AnyObjective, MaskedLM, SimCSEUnsupervised, View
from juyi.training import ProcessWorld, encode_views, plain_step, seed_step

ANY_TIME = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

OBJECTIVES: list[AnyObjective] = [
    SimCSEUnsupervised(temperature=0.5),
    SimCSEUnsupervised(negatives="all-views", temperature=0.5),
    SimCSEUnsupervised(views="no-dropout", temperature=0.5),
    MaskedLM(rate=0.3),
]


class Echo(torch.nn.Module):
    """An encoder that gives its input back: a row's vector is (first id, length), a token's is (id, position)."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = torch.nn.Identity()
        self.forwards: list[tuple[bool, bool, int]] = []  # dropout, gradient, rows

    def embed(self, rows: list[list[int]]) -> torch.Tensor:
        self.forwards.append((self.backbone.training, torch.is_grad_enabled(), len(rows)))
        return torch.tensor([[row[0], len(row)] for row in rows])

    def embed_tokens(self, rows: list[list[int]], positions: Any) -> torch.Tensor:
        self.forwards.append((self.backbone.training, torch.is_grad_enabled(), len(rows)))
        return torch.tensor([[row[p], p] for row, ps in zip(rows, positions, strict=True) for p in ps]).reshape(-1, 2)


@st.composite
def some_views(draw: st.DrawFn) -> list[View]:
    made, number = [], 0
    for _ in range(draw(st.integers(1, 4))):
        lengths = draw(st.lists(st.integers(1, 6), min_size=1, max_size=7))
        rows = []
        for length in lengths:
            rows.append(list(range(number, number + length)))
            number += length
        positions = None
        if draw(st.booleans()):
            positions = [np.array(sorted(draw(st.sets(st.integers(0, length - 1)))), dtype=np.intp) for length in lengths]
        tower = draw(st.sampled_from(["", "other"]))
        made.append(View(rows, draw(st.booleans()), positions, tower=tower, gradient=draw(st.booleans())))
    return made


@ANY_TIME
@given(views=some_views(), chunk_size=st.integers(1, 9))
def test_vectors_come_back_in_the_order_of_the_views(views: list[View], chunk_size: int) -> None:
    echo, other = Echo(), Echo()
    encoded = encode_views(cast(Encoder, echo), views, torch.nn.ModuleDict({"other": other}), chunk_size=chunk_size)
    assert len(encoded) == len(views)
    for view, got in zip(views, encoded, strict=True):
        assert got.dtype == torch.float32
        if view.positions is None:
            assert got.tolist() == [[row[0], len(row)] for row in view.rows]
        else:
            assert got.tolist() == [[row[p], p] for row, ps in zip(view.rows, view.positions, strict=True) for p in ps]
    for tower, made in (("", echo), ("other", other)):
        theirs = [view for view in views if view.tower == tower]
        assert all(rows <= chunk_size for *_, rows in made.forwards)
        for kind in product((True, False), repeat=2):
            wanted = sum(len(view.rows) for view in theirs if (view.dropout, view.gradient) == kind)
            assert sum(rows for *each, rows in made.forwards if tuple(each) == kind) == wanted
        assert made.training and made.backbone.training


def gradients(
    encoder: Encoder, objective: AnyObjective, rows: list[list[int]], chunk_size: int
) -> tuple[float, dict[str, torch.Tensor]]:
    torch.manual_seed(0)
    state = objective.start(encoder)
    views = objective.inputs({"text": rows}, seed_step(1, 0, 0), encoder)
    loss, _ = plain_step(encoder, objective, views, ProcessWorld(), state, chunk_size=chunk_size)
    named = [*encoder.named_parameters(), *((f"state.{name}", p) for name, p in state.named_parameters())]
    return float(loss), {name: p.grad for name, p in named if p.grad is not None}


@pytest.mark.parametrize("kind", ["bert", "modernbert"])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_chunking_changes_neither_loss_nor_gradient(
    tiny: Callable[..., Encoder], rows: list[list[int]], kind: str, objective: AnyObjective
) -> None:
    batch = rows[20:31]
    assert len({len(row) for row in batch}) > 4
    whole, wanted = gradients(tiny(kind, dropout=0.0), objective, batch, 1000)
    length = float(torch.cat([gradient.flatten() for gradient in wanted.values()]).norm())
    assert length > 0.1
    for chunk_size in (1, 3):
        loss, found = gradients(tiny(kind, dropout=0.0), objective, batch, chunk_size)
        assert loss == pytest.approx(whole, abs=1e-6)
        assert found.keys() == wanted.keys()
        for name, gradient in wanted.items():
            torch.testing.assert_close(found[name] / length, gradient / length, atol=1e-6, rtol=0, msg=name)


@pytest.mark.parametrize("dropout", [True, False])
def test_a_head_for_training_only_takes_part_with_and_without_dropout(
    tiny: Callable[..., Encoder], rows: list[list[int]], dropout: bool
) -> None:
    head = random_head(32, "linear", training_only=True)
    encoder, bare = tiny(dropout=0.0, heads=(head,)), tiny(dropout=0.0)
    (with_head,) = encode_views(encoder, [View(rows[:3], dropout=dropout)], torch.nn.Module(), chunk_size=8)
    (without,) = encode_views(bare, [View(rows[:3], dropout=dropout)], torch.nn.Module(), chunk_size=8)
    torch.testing.assert_close(with_head, head(without))
    assert not torch.allclose(with_head, without, atol=1e-3)


def test_dropout_is_on_where_the_view_says_so(tiny: Callable[..., Encoder], rows: list[list[int]]) -> None:
    encoder = tiny()
    views = [View(rows[:4]), View(rows[:4], dropout=False), View(rows[:4])]
    first, still, second = (vectors.detach() for vectors in encode_views(encoder, views, torch.nn.Module(), chunk_size=3))
    ids, mask = encoder.tensors(rows[:4])
    torch.testing.assert_close(still, encoder.eval()(ids, mask).detach())
    assert float((first - still).abs().max()) > 0.01
    assert float((first - second).abs().max()) > 0.01


def test_the_loss_is_float32_under_autocast(tiny: Callable[..., Encoder], rows: list[list[int]]) -> None:
    seen = []

    class Spy(SimCSEUnsupervised):
        def loss(self, encoded: Any, views: Any, world: Any, state: Any) -> torch.Tensor:
            seen.append((encoded[0].dtype, (encoded[0] @ encoded[0].T).dtype))
            return super().loss(encoded, views, world, state)

    objective = Spy()
    encoder = tiny()
    views = objective.inputs({"text": rows[:4]}, np.random.default_rng(0), encoder)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss, encoded = plain_step(encoder, objective, views, ProcessWorld(), torch.nn.Module(), chunk_size=4)
    assert seen == [(torch.float32, torch.float32)]
    assert not loss.requires_grad and not encoded[0].requires_grad
