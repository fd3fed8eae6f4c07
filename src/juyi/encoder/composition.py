"""Words that lean on their characters while they are trained."""

from __future__ import annotations

import math
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from juyi.encoder.encoder import Encoder
from juyi.errors import ModelError
from juyi.tokenization import WordTokenizer
from juyi.tokenization.chinese import HAN_CHARACTER


class ComposedTable(nn.Module):
    """A token table in which a word's vector is its own part plus those of its characters, divided by the root of their number.

    What is learned of a character so reaches every word that is written with it, the rare ones too. As characters are composed of
    nothing, the parts follow from the whole: own part = vector − what the characters give.

    Args:
        words: The composed tokens.
        characters: Of each of them, the tokens of its characters.
    """

    def __init__(self, words: list[int], characters: list[list[int]]) -> None:
        super().__init__()
        sizes = [len(each) for each in characters]
        shares = [1 / math.sqrt(size) for size in sizes for _ in range(size)]
        for name, values in (
            ("words", torch.tensor(words)),
            ("characters", torch.tensor([i for each in characters for i in each])),
            ("starts", torch.from_numpy(np.cumsum([0, *sizes[:-1]]))),
            ("shares", torch.tensor(shares, dtype=torch.float32)),
        ):
            self.register_buffer(name, values, persistent=False)

    def forward(self, own: Tensor) -> Tensor:
        """The whole vectors of the parts.

        Shapes:
            own, result: (vocabulary, width).
        """
        return own.index_add(0, cast(Tensor, self.words), self._given(own))

    def right_inverse(self, table: Tensor) -> Tensor:
        """The parts of the whole vectors.

        Shapes:
            table, result: (vocabulary, width).
        """
        return table.index_add(0, cast(Tensor, self.words), self._given(table), alpha=-1)

    def _given(self, table: Tensor) -> Tensor:
        characters, starts, shares = (cast(Tensor, each) for each in (self.characters, self.starts, self.shares))
        return nn.functional.embedding_bag(characters, table, starts, mode="sum", per_sample_weights=shares)


def compose_words(encoder: Encoder, *, fresh: bool) -> None:
    """Let the words of the token table lean on their characters from now on; `merge_words` makes it a plain table again.

    Args:
        encoder: Its token table is changed in place; what it encodes stays the same, up to rounding, unless it is fresh.
        fresh: The weights are random: they are the parts, so that words begin near their characters.

    Raises:
        ModelError: No token is a word of several characters that are tokens too.
    """
    tokenizer = encoder.tokenizer.subword if isinstance(encoder.tokenizer, WordTokenizer) else encoder.tokenizer
    vocabulary = tokenizer.backend.get_vocab()
    found = {
        number: [vocabulary[letter] for letter in token if HAN_CHARACTER.match(letter) and letter in vocabulary]
        for token, number in sorted(vocabulary.items(), key=lambda item: item[1])
        if len(token) > 1 and not token.startswith("##")  # WordPiece's mark of a character inside a word
    }
    words = [number for number, letters in found.items() if letters]
    if not words:
        raise ModelError("encoder.compose_words is set, but no token of the vocabulary is a Chinese word. Leave it out.")
    composed, table = ComposedTable(words, [found[number] for number in words]), _table(encoder)
    if fresh:
        with torch.no_grad():
            table.weight.copy_(composed(table.weight))
    parametrize.register_parametrization(table, "weight", composed)


def merge_words(encoder: Encoder) -> None:
    """Make a composed token table a plain one that gives the same vectors; another is left alone."""
    table = _table(encoder)
    if parametrize.is_parametrized(table, "weight"):
        parametrize.remove_parametrizations(table, "weight")


def _table(encoder: Encoder) -> nn.Embedding:
    return cast(nn.Embedding, encoder.backbone.get_input_embeddings())  # type: ignore[operator]
