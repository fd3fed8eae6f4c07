"""The step in little memory: how little, the same masks, the same gradient, the same run."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch

from juyi.encoder import Encoder, compose_words, create_encoder, random_head
from juyi.encoder.heads import Dense
from juyi.objectives import ESimCSE, MaskedLM, Objective, SimCSEUnsupervised, View, WithMaskedLM
from juyi.tokenization import train_unigram
from juyi.training import ProcessWorld, TrainingSettings, cached_step, fit, plain_step, seed_step

STEPS: dict[str, Callable[..., Any]] = {"plain": plain_step, "cached": cached_step}
WORLD = ProcessWorld()


class Saved:
    """Bytes that autograd keeps for backward, those of the weights aside; shared memory counts once."""

    def __init__(self, encoder: Encoder) -> None:
        self._weights = {each.untyped_storage().data_ptr() for each in encoder.parameters()}
        self._held: Counter[int] = Counter()
        self.now = self.most = 0

    def counting(self) -> torch.autograd.graph.saved_tensors_hooks:
        return torch.autograd.graph.saved_tensors_hooks(lambda tensor: _Token(self, tensor), lambda token: token.tensor)

    def change(self, tensor: torch.Tensor, by: int) -> None:
        storage = tensor.untyped_storage()
        before = self._held[storage.data_ptr()]
        self._held[storage.data_ptr()] += by
        if storage.data_ptr() not in self._weights and 0 in (before, before + by):
            self.now += by * storage.nbytes()
            self.most = max(self.most, self.now)


class _Token:
    """A saved tensor; it goes when autograd lets go of it."""

    def __init__(self, saved: Saved, tensor: torch.Tensor) -> None:
        self.saved, self.tensor = saved, tensor
        saved.change(tensor, 1)

    def __del__(self) -> None:
        self.saved.change(self.tensor, -1)


def gradients(
    step: str, encoder: Encoder, objective: Objective, rows: list[list[int]], chunk_size: int, *, seed: int = 0
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Loss and gradients of a step; the objective's own parameters too."""
    torch.manual_seed(3)
    state = objective.start(encoder)
    rng = seed_step(seed, 0, 0)
    views = objective.inputs({"text": rows}, rng, encoder)
    loss, encoded = STEPS[step](encoder, objective, views, WORLD, state, chunk_size=chunk_size)
    assert not loss.requires_grad and not any(each.requires_grad for each in encoded)
    assert encoder.training and encoder.backbone.training
    named = [*encoder.named_parameters(), *((f"state.{name}", each) for name, each in state.named_parameters())]
    return loss, {name: each.grad for name, each in named if each.grad is not None}


def distance(found: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> float:
    """As a share of the whole gradient."""
    assert found.keys() == wanted.keys() and wanted
    length = torch.stack([each.norm() for each in wanted.values()]).norm()
    return float(torch.stack([(found[name] - each).norm() for name, each in wanted.items()]).norm() / length)


@pytest.mark.parametrize("kind", ["bert", "modernbert"])
def test_autograd_keeps_one_chunk_instead_of_the_batch(tiny: Callable[..., Encoder], kind: str) -> None:
    numbers = np.random.default_rng(0)
    rows = [[2, *numbers.integers(5, 300, 18).tolist(), 3] for _ in range(64)]
    objective = SimCSEUnsupervised(views="fixed-mask")  # 64 rows in all: 16 chunks of 4
    most = {}
    for step in STEPS:
        encoder = tiny(kind)
        saved = Saved(encoder)
        with saved.counting():
            gradients(step, encoder, objective, rows, 4)
        assert saved.now == 0
        most[step] = saved.most
    encoder = tiny(kind).train()
    saved = Saved(encoder)
    with saved.counting():
        kept = encoder.embed(rows[:4])
    assert kept.requires_grad and saved.now > 200_000
    assert most["cached"] < 1.2 * saved.most
    assert most["plain"] > 0.9 * 16 * saved.most


@pytest.mark.parametrize("kind", ["bert", "modernbert", "roformer"])  # the last one's rows are padded
@pytest.mark.parametrize("chunk_size", [1, 3, 1000])
def test_the_second_pass_draws_the_masks_of_the_first(
    tiny: Callable[..., Encoder], rows: list[list[int]], kind: str, chunk_size: int
) -> None:
    def encoder() -> Encoder:
        bare = tiny("bert" if kind == "roformer" else kind, dropout=0.3)
        keys = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "max_position_embeddings")
        keys += ("hidden_dropout_prob", "attention_probs_dropout_prob")
        shape = {key: getattr(bare.config, key) for key in keys} if kind == "roformer" else {}
        return create_encoder(kind, shape, cast(Any, bare.tokenizer), max_length=40) if shape else bare

    assert encoder().packs == (kind != "roformer")
    batch, objective = rows[20:31], SimCSEUnsupervised()
    loss, wanted = gradients("plain", encoder(), objective, batch, chunk_size)
    after = torch.rand(4)
    again, found = gradients("cached", encoder(), objective, batch, chunk_size)
    assert torch.equal(torch.rand(4), after)  # the generator goes on as if nothing had been drawn twice
    torch.testing.assert_close(again, loss)
    assert distance(found, wanted) < 1e-5
    _, other = gradients("plain", encoder(), objective, batch, chunk_size, seed=1)
    assert distance(other, wanted) > 0.1  # other masks are another gradient


def test_a_composed_token_table(tiny: Callable[..., Encoder]) -> None:
    texts = ["银行卡的额度是多少", "信用卡的额度", "银行在哪里", "卡在哪里", "银行卡", "信用额度"]
    words = train_unigram(texts * 20, size=512, simplify=False, min_frequency=2)
    bare = tiny(dropout=0.2)
    bare.backbone.resize_token_embeddings(words.size)  # type: ignore[operator]
    plain = Encoder(bare.backbone, words, pooling="last-avg", max_length=40)
    compose_words(plain, fresh=True)
    cached, batch = copy.deepcopy(plain), words.tokenize(texts, 40)
    loss, wanted = gradients("plain", plain, SimCSEUnsupervised(), batch, 2)
    again, found = gradients("cached", cached, SimCSEUnsupervised(), batch, 2)
    torch.testing.assert_close(again, loss)
    assert distance(found, wanted) < 1e-5
    table = next(each for name, each in found.items() if name.endswith("weight.original"))
    letter = words.token_id("银")
    assert letter is not None and all(letter not in row for row in batch) and table[letter].any()  # through its word alone


def test_rows_without_a_hidden_token(tiny: Callable[..., Encoder], rows: list[list[int]]) -> None:
    batch = [[2, 3], *rows[:4], [2, 1, 3]]
    for chunk_size in (1, 2):
        _, wanted = gradients("plain", tiny(), MaskedLM(rate=0.3), batch, chunk_size)
        _, found = gradients("cached", tiny(), MaskedLM(rate=0.3), batch, chunk_size)
        assert distance(found, wanted) < 1e-5


def test_a_frozen_backbone_beside_a_head(tiny: Callable[..., Encoder], rows: list[list[int]]) -> None:
    """The sentences' gradient ends in the head, that of the hidden tokens has nowhere to go but the prediction head."""
    objective, found = WithMaskedLM(SimCSEUnsupervised(), MaskedLM(rate=0.3), 0.1), {}
    for step in STEPS:
        torch.manual_seed(6)
        encoder = tiny(heads=(random_head(32, "linear"),))
        encoder.backbone.requires_grad_(False)
        _, found[step] = gradients(step, encoder, objective, rows[:7], 3)
    assert distance(found["cached"], found["plain"]) < 1e-5
    assert {name.rpartition(".")[0] for name in found["plain"]} >= {"heads.0.linear", "state.masked_lm.dense"}
    assert not any(name.startswith("backbone") for name in found["plain"])


def head() -> Dense:
    """A head sees the sentence vectors of each pass, one a row."""
    return random_head(32, "linear", training_only=True)


def count_passes(encoder: Encoder) -> list[tuple[int, bool]]:
    """Of each pass that this encoder makes from now on: its rows, and whether a gradient may come back."""
    passes: list[tuple[int, bool]] = []
    encoder.heads[0].register_forward_hook(lambda _, given, made: passes.append((len(made), torch.is_grad_enabled())))
    return passes


def test_each_chunk_is_encoded_twice_and_a_view_without_gradient_once(
    tiny: Callable[..., Encoder], rows: list[list[int]]
) -> None:
    encoder, objective = tiny(heads=(head(),)), ESimCSE(queue_size=12)
    state: Any = objective.start(encoder)
    live, copied = count_passes(encoder), count_passes(state.momentum)
    views = objective.inputs({"text": rows[:6]}, np.random.default_rng(0), encoder)
    for step, wanted in (("plain", [(4, True)] * 3), ("cached", [(4, False)] * 3 + [(4, True)] * 3)):
        STEPS[step](encoder, objective, views, WORLD, state, chunk_size=4)
        assert live == wanted
        assert copied == [(4, False), (2, False)]
        live.clear()
        copied.clear()


def test_what_the_loss_does_not_look_at_is_not_encoded_again(tiny: Callable[..., Encoder], rows: list[list[int]]) -> None:
    class First(SimCSEUnsupervised):
        """Of three views it uses the first; the second is of the same kind, the third is not."""

        def inputs(self, batch: Any, rng: Any, encoder: Any) -> list[View]:
            return [View(rows[:4]), View(rows[4:8]), View(rows[8:12], dropout=False)]

        def loss(self, encoded: Any, views: Any, world: Any, state: Any) -> torch.Tensor:
            return encoded[0].square().sum()  # type: ignore[no-any-return]

    found = {}
    for step in STEPS:
        torch.manual_seed(1)
        encoder = tiny(heads=(head(),))
        passes = count_passes(encoder)
        _, found[step] = gradients(step, encoder, First(), [], 4)
    assert sorted(passes) == [(4, False)] * 3 + [(4, True)] * 2
    assert distance(found["cached"], found["plain"]) < 1e-5


def test_a_failed_second_pass_leaves_the_generator_where_it_was(tiny: Callable[..., Encoder], rows: list[list[int]]) -> None:
    encoder, states = tiny(heads=(head(),)), []

    def failing(*_: Any) -> None:
        if torch.is_grad_enabled():
            raise MemoryError
        states.append(torch.get_rng_state())

    encoder.heads[0].register_forward_hook(failing)
    with pytest.raises(MemoryError):
        gradients("cached", encoder, SimCSEUnsupervised(), rows[:8], 3)
    assert torch.equal(torch.get_rng_state(), states[-1])


def settings(**changes: Any) -> TrainingSettings:
    usual: dict[str, Any] = {"batch_size": 8, "chunk_size": 3, "learning_rate": 1e-3, "steps": 7, "log_every": 1}
    return TrainingSettings(**(usual | changes))


@pytest.mark.parametrize("kind", ["bert", "modernbert"])
def test_a_run_ends_where_the_plain_one_ends(
    tiny: Callable[..., Encoder], rows: list[list[int]], sentences: list[str], tmp_path: Path, kind: str
) -> None:
    ends = {}
    for cached in (False, True):
        encoder = tiny(kind)
        fit(encoder, SimCSEUnsupervised(), {"text": rows}, settings(cached=cached), folder=tmp_path / str(cached), device="cpu")
        ends[cached] = encoder.encode(sentences)
    moved = float(np.abs(ends[False] - tiny(kind).encode(sentences)).max())
    assert float(np.abs(ends[True] - ends[False]).max()) < 1e-3 * moved and moved > 0.1


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("objective", [SimCSEUnsupervised(), MaskedLM(rate=0.3)], ids=["simcse", "masked-lm"])
def test_a_resumed_run_ends_in_the_same_bits(
    tiny: Callable[..., Encoder], rows: list[list[int]], tmp_path: Path, objective: Objective, precision: str
) -> None:
    def start(name: str, *, seed: int = 1, stop: int = 0) -> dict[str, torch.Tensor]:
        def progress(step: int, steps: int, report: Any) -> None:
            if step == stop:
                raise KeyboardInterrupt

        encoder, given = tiny(seed=seed), settings(cached=True, checkpoint_every=2, precision=precision)
        fit(encoder, objective, {"text": rows}, given, folder=tmp_path / name, device="cpu", progress=progress)
        return encoder.state_dict()

    straight = start("straight")
    for seed, stop in ((1, 3), (2, 6)):
        with pytest.raises(KeyboardInterrupt):
            start("stopped", seed=seed, stop=stop)
    resumed = start("stopped", seed=3)
    assert [name for name, tensor in straight.items() if not torch.equal(tensor, resumed[name])] == []
