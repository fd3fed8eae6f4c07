"""An encoder with random weights keeps the shape and forgets what was learned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from juyi.assets import DEFAULT_ENCODER, EMBEDDED
from juyi.baselines import random_encoder
from juyi.encoder import EncoderSettings, load_encoder, save_encoder
from juyi.errors import ModelError

TEXTS = ["怎么还信用卡", "信用卡如何还款"]


def test_random_weights_keep_the_shape_and_forget_what_was_learned() -> None:
    trained = load_encoder()
    folder = EMBEDDED[DEFAULT_ENCODER]
    fresh = random_encoder(folder, 0)
    one, same, other = fresh.encode(TEXTS), random_encoder(folder, 0).encode(TEXTS), random_encoder(folder, 1).encode(TEXTS)
    assert (fresh.pooling, fresh.max_length) == (trained.pooling, trained.max_length)
    assert fresh.tokenizer.tokenize(TEXTS) == trained.tokenizer.tokenize(TEXTS)
    assert one.shape == trained.encode(TEXTS).shape
    assert not fresh.training
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other, atol=1e-2)
    assert not np.allclose(one, trained.encode(TEXTS), atol=1e-2)


def test_heads_are_left_out_and_the_pooler_becomes_cls(stand_in: Callable[..., Path], tmp_path: Path) -> None:
    with_head = load_encoder(EncoderSettings(model=str(stand_in("bert")), pooling="first-last-avg", head="dense-tanh"))
    with_head.normalise = True
    save_encoder(with_head, tmp_path / "head")
    fresh = random_encoder(tmp_path / "head", 0)
    assert (fresh.pooling, len(fresh.heads), fresh.normalise) == ("first-last-avg", 0, False)
    save_encoder(load_encoder(EncoderSettings(model=str(stand_in("bert")), pooling="pooler")), tmp_path / "pooler")
    fresh = random_encoder(tmp_path / "pooler", 0)
    assert fresh.pooling == "cls"
    assert len(fresh.heads) == 0


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        random_encoder(tmp_path, 0)
