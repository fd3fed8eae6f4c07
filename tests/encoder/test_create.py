"""New encoders with random weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from juyi.encoder import FAMILIES, create_encoder, load_encoder, save_encoder
from juyi.errors import ModelError, UsageError
from juyi.tokenization import SubwordTokenizer

SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48}
DISTILBERT = {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 48}


@pytest.mark.parametrize("model_type", FAMILIES)
def test_created_saved_and_loaded_is_the_same(
    model_type: str, small_tokenizer: SubwordTokenizer, sentences: list[str], tmp_path: Path
) -> None:
    options = (DISTILBERT if model_type == "distilbert" else SIZES) | {"max_position_embeddings": 40}
    if FAMILIES[model_type].decodes:
        options |= {"num_key_value_heads": 2}
    encoder = create_encoder(model_type, options, small_tokenizer, max_length=24)
    assert not encoder.training and encoder.max_length == 24
    assert encoder.config.vocab_size == small_tokenizer.size and encoder.config.pad_token_id == small_tokenizer.special.pad
    again = load_encoder(save_encoder(encoder, tmp_path / "model"))
    assert again.max_length == 24 and again.pooling == "last-avg"
    np.testing.assert_allclose(again.encode(sentences[:6]), encoder.encode(sentences[:6]), atol=1e-6)


def test_the_seed_decides_the_weights_and_nothing_else(small_tokenizer: SubwordTokenizer) -> None:
    torch.manual_seed(11)
    expected = torch.rand(2)
    torch.manual_seed(11)
    first, second, other = (create_encoder("bert", SIZES, small_tokenizer, seed=seed) for seed in (1, 1, 2))
    torch.testing.assert_close(torch.rand(2), expected)
    weights = [encoder.backbone.get_input_embeddings().weight for encoder in (first, second, other)]  # type: ignore[operator]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])


def test_what_cannot_be_chosen_is_refused(small_tokenizer: SubwordTokenizer) -> None:
    with pytest.raises(UsageError, match="no setting hiden_size, layers"):
        create_encoder("bert", {"hiden_size": 32, "layers": 2}, small_tokenizer)
    with pytest.raises(UsageError, match="vocab_size comes from the tokenizer"):
        create_encoder("bert", {"vocab_size": 100}, small_tokenizer)
    with pytest.raises(ModelError, match="'t5', which juyi does not know"):
        create_encoder("t5", {}, small_tokenizer)
    with pytest.raises(UsageError, match="no pretrained pooler"):
        create_encoder("bert", SIZES, small_tokenizer, pooling="pooler")


@pytest.mark.parametrize(("model_type", "longest"), [("bert", 40), ("roberta", 39)])
def test_max_length_is_what_the_positions_allow(model_type: str, longest: int, small_tokenizer: SubwordTokenizer) -> None:
    options = {**SIZES, "max_position_embeddings": 40}
    encoder = create_encoder(model_type, options, small_tokenizer, max_length=longest)
    assert np.isfinite(encoder.encode(["天气" * 40])).all()
    for wrong in (longest + 1, 2):
        with pytest.raises(ModelError, match=f"takes 3 to {longest} tokens"):
            create_encoder(model_type, options, small_tokenizer, max_length=wrong)
