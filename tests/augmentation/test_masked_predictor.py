"""Other sorts of tokenizers: what is put in fits the place, spaces and all."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import tokenizers
import torch
from tokenizers import decoders, models, pre_tokenizers, processors, trainers

from juyi.augmentation.masked_predictor import Hidden, MaskedPredictor
from juyi.tokenization import SubwordTokenizer

SPECIAL = ["<pad>", "<unk>", "<s>", "</s>", "<mask>"]


class Random:
    """Logits that depend on nothing; the special tokens have the highest."""

    device = torch.device("cpu")

    def __init__(self, size: int) -> None:
        self.size = size + 3  # some models have rows without a token

    def __call__(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> SimpleNamespace:
        logits = torch.randn(*input_ids.shape, self.size, generator=torch.Generator().manual_seed(1))
        logits[..., :5] = 50
        logits[..., -3:] = 90
        return SimpleNamespace(logits=logits)


def byte_level(sentences: list[str]) -> tokenizers.Tokenizer:
    backend = tokenizers.Tokenizer(models.BPE(unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    backend.train_from_iterator(
        sentences, trainers.BpeTrainer(vocab_size=700, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False)
    )
    backend.post_processor = processors.RobertaProcessing(("</s>", 3), ("<s>", 2), trim_offsets=True, add_prefix_space=False)
    return backend


def metaspace(sentences: list[str]) -> tokenizers.Tokenizer:
    backend = tokenizers.Tokenizer(models.Unigram())
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.decoder = decoders.Metaspace()
    backend.train_from_iterator(
        sentences, trainers.UnigramTrainer(vocab_size=400, special_tokens=SPECIAL, unk_token="<unk>", show_progress=False)
    )
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 2), ("</s>", 3)]
    )
    return backend


@pytest.mark.parametrize("make", [byte_level, metaspace])
def test_the_rest_of_the_text_stays_as_it_is_written(make, sentences: list[str]) -> None:
    tokenizer = SubwordTokenizer(make(sentences * 4))
    predictor = MaskedPredictor(Random(tokenizer.size), tokenizer, 64)
    texts = [text for text in sentences if text.isascii()] + ["信用卡怎么还", "The naïve 猫 sat 😂", "A man, playing."]
    rows = predictor.read(texts)
    assert sum(len(row.places) for row in rows) > 60
    rng = np.random.default_rng(0)
    for row in rows:
        text = texts[row.number]
        for place in row.places:
            start, stop = row.spans[place]
            assert text[start:stop] == tokenizer.backend.decode([row.ids[place]]).strip()
            ((word,),) = predictor.predict([hidden := Hidden(row, [place], rng.random(1))], top=2)
            assert word == word.strip()
            assert any(map(str.isalnum, word))
            assert "\ufffd" not in word
            assert word not in SPECIAL
            assert hidden.filled(text, [word]) == text[:start] + word + text[stop:]
    every = [Hidden(row, row.places, rng.random(len(row.places))) for row in rows if row.places]
    for each, words in zip(every, predictor.predict(every, top=1), strict=True):
        made = each.filled(texts[each.row.number], words)
        assert made.count(" ") == texts[each.row.number].count(" ")
        assert made != texts[each.row.number]
