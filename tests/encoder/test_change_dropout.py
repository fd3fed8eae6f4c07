"""Dropout of a loaded encoder: the rates that are asked for are those that are applied, for every kind of backbone."""

from __future__ import annotations

import pytest
import torch

from juyi.encoder import FAMILIES, EncoderSettings, change_dropout, dropout_of, load_encoder
from juyi.encoder.families import applied_dropout
from juyi.errors import ModelError


@pytest.mark.parametrize("before", [(0.0, 0.0), (0.2, 0.3)])
@pytest.mark.parametrize("model_type", FAMILIES)
def test_it_is_as_if_loaded_with_these_rates(stand_in, model_type: str, before: tuple[float, float]) -> None:
    folder, there = str(stand_in(model_type)), bool(FAMILIES[model_type].hidden)
    encoder = load_encoder(EncoderSettings(folder, hidden_dropout=before[0] * there, attention_dropout=before[1]))
    change_dropout(encoder, hidden=0.25 * there, attention=0.15)
    loaded = load_encoder(EncoderSettings(folder, hidden_dropout=0.25 * there, attention_dropout=0.15))
    assert dropout_of(encoder.config) == dropout_of(loaded.config) == (0.25 * there, 0.15)
    assert applied_dropout(encoder.backbone) == applied_dropout(loaded.backbone)
    ids, mask = encoder.tensors([[2, 5, 6, 7, 8, 9, 3], [2, 10, 11, 3]])
    views = []
    for each in (encoder, loaded):
        torch.manual_seed(1)
        views.append(each.train()(ids, mask))
    torch.testing.assert_close(*views, rtol=0, atol=0)


def test_none_leaves_a_rate_and_an_impossible_one_is_refused(stand_in) -> None:
    encoder = load_encoder(EncoderSettings(str(stand_in("bert")), hidden_dropout=0.2, attention_dropout=0.3))
    change_dropout(encoder, hidden=None, attention=0.1)
    assert encoder.dropout == (0.2, 0.1)
    with pytest.raises(ModelError, match=r"1\.5 is not possible"):
        change_dropout(encoder, hidden=1.5, attention=None)
