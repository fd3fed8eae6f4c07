"""A view computes what the module would compute in another mode, shares its weights, and leaves it alone."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from types import MethodType
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from juyi.encoder import FAMILIES, EncoderSettings, load_encoder
from juyi.encoder.view import view_of

IDS = torch.tensor([[2, 7, 9, 11, 3], [2, 8, 3, 0, 0]])


@pytest.mark.parametrize("kind", FAMILIES)
def test_a_view_in_another_mode_is_a_copy_in_that_mode(kind: str, stand_in: Callable[..., Path]) -> None:
    hidden = 0.2 if FAMILIES[kind].hidden else None
    encoder = load_encoder(EncoderSettings(str(stand_in(kind)), hidden_dropout=hidden, attention_dropout=0.2))
    mask = (IDS != 0).long()
    for training in (True, False):
        encoder.train(not training)
        view, copied = view_of(encoder, training=training), copy.deepcopy(encoder).train(training)
        mine = {id(module) for module in encoder.modules()}
        assert all(module.training == training for module in view.modules() if id(module) not in mine)
        results = []
        for each in (view, copied):
            torch.manual_seed(1)
            results.append(each(IDS, mask))
        assert torch.equal(*results)
        assert encoder.training is not training and encoder.backbone.training is not training
        assert [p.data_ptr() for p in view.parameters()] == [p.data_ptr() for p in encoder.parameters()]
        assert [name for name, _ in view.named_modules()] == [name for name, _ in encoder.named_modules()]


def test_weights_that_change_change_in_the_view_and_gradients_reach_the_module() -> None:
    module = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5), nn.BatchNorm1d(3))
    view = view_of(module, training=False)
    rows = torch.randn(4, 3)
    before = view(rows)
    module.load_state_dict({name: value + 1 for name, value in module.state_dict().items()})
    assert not torch.allclose(view(rows), before)
    module[0].weight = nn.Parameter(torch.zeros(3, 3))  # another parameter in the place of the old one
    assert torch.equal(view(rows)[0], view(rows)[1])
    view(rows).sum().backward()
    assert module[0].bias.grad is not None


def test_hooks_belong_to_one_of_both() -> None:
    module = nn.Sequential(nn.ReLU())
    seen: list[str] = []
    module.register_forward_hook(lambda *_: seen.append("before"))
    view = view_of(module)
    module.register_forward_hook(lambda *_: seen.append("module"))
    view.register_forward_hook(lambda *_: seen.append("view"))
    view(torch.ones(1))
    assert seen == ["before", "view"]


def test_all_layers_are_told_the_same_in_every_pass(stand_in: Callable[..., Path], sentences: list[str]) -> None:
    # transformers installs hooks for it, once a model: a second view must not install them beside those of the first.
    encoder = load_encoder(EncoderSettings(model=str(stand_in("bert")), pooling="first-last-avg"))
    first = encoder.encode(sentences[:5])
    counts = [len(encoder.hidden_states(IDS, (IDS != 0).long())) for _ in range(3)]
    assert counts == [4, 4, 4]
    assert (encoder.encode(sentences[:5]) == first).all()


def test_a_configuration_is_replaced_wherever_the_module_holds_it() -> None:
    class Holds(nn.Module):
        def __init__(self, config: Any) -> None:
            super().__init__()
            self.config = config

    config, other, new = {"a": 1}, {"a": 1}, {"a": 2}
    module = Holds(config)
    module.own, module.others, module.none = Holds(config), Holds(other), None
    view = view_of(module, config=new)
    assert view.config is view.own.config is new and view.others.config is other and view.none is None
    assert module.config is module.own.config is config


def test_a_forward_that_was_wrapped_runs_on_the_view() -> None:
    module = nn.Sequential(nn.Dropout(0.9)).train()
    module.forward = MethodType(lambda self, rows: (self.training, nn.Sequential.forward(self, rows)), module)  # type: ignore[method-assign]
    training, rows = view_of(module, training=False)(torch.ones(8))
    assert training is False and torch.equal(rows, torch.ones(8))


def test_a_module_with_two_names_is_one_in_the_view_too() -> None:
    inner = nn.Dropout(0.1)
    module = nn.ModuleDict({"a": nn.Sequential(inner), "b": inner})
    view: Any = view_of(module, training=False)
    assert view["a"][0] is view["b"] is not inner


def test_a_parametrised_table_is_computed_once_for_module_and_views(stand_in: Callable[..., Path], sentences: list[str]) -> None:
    class Doubled(nn.Module):
        def forward(self, table: torch.Tensor) -> torch.Tensor:
            return 2 * table

    encoder = load_encoder(stand_in("bert"))
    table = encoder.backbone.embeddings.word_embeddings
    parametrize.register_parametrization(table, "weight", Doubled())
    rows = encoder.tokenizer.tokenize(sentences[:4])
    with parametrize.cached():
        assert view_of(encoder).backbone.embeddings.word_embeddings.weight is table.weight
    torch.testing.assert_close(encoder.embed(rows), encoder(*encoder.tensors(rows)), atol=1e-5, rtol=0)
