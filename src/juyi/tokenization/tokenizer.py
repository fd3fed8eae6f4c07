"""What every tokenizer of juyi does, whatever cuts the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from juyi.errors import ModelError

TokenIds = list[int]


@dataclass(frozen=True)
class SpecialTokens:
    """The ids that mean something to the encoder and nothing in the text; None where a tokenizer has no token of that role.

    BERT and its kin frame a text with `cls` and `sep`, a decoder with `bos` and `eos`, or with one of them, or with neither. Only
    padding is needed by all; where a folder names no token for it, it is the `eos`.
    """

    cls: int | None
    sep: int | None
    pad: int
    unknown: int | None
    mask: int | None
    bos: int | None = None
    eos: int | None = None

    @property
    def ids(self) -> frozenset[int]:
        """All of them, as a set."""
        every = (self.cls, self.sep, self.pad, self.unknown, self.mask, self.bos, self.eos)
        return frozenset(i for i in every if i is not None)

    def frame(self, purpose: str) -> tuple[int, int]:
        """The ids of [CLS] and [SEP].

        Args:
            purpose: What they are needed for: "Word-level tokenization".

        Raises:
            ModelError: The tokenizer lacks one of them.
        """
        if self.cls is None or self.sep is None:
            role = "cls_token" if self.cls is None else "sep_token"
            raise ModelError(
                f"{purpose} needs a tokenizer with [CLS] and [SEP], and this one has no {role}. Take a model of BERT's kind, or "
                "name the token in tokenizer_config.json."
            )
        return self.cls, self.sep


class Tokenizer(Protocol):
    """Texts in, ids out; no padding, no tensors."""

    @property
    def special(self) -> SpecialTokens:
        """The ids of the special tokens."""
        ...

    @property
    def size(self) -> int:
        """Tokens in the vocabulary."""
        ...

    def tokenize(self, texts: Sequence[str], max_length: int | None = None) -> list[TokenIds]:
        """The ids of each text with [CLS] and [SEP]; cut to `max_length` ids in all where it is given."""
        ...

    def save(self, folder: Path) -> None:
        """Write what `load_tokenizer` needs to give the same ids again."""
        ...


def prompt_length(tokenizer: Tokenizer, prompt: str, max_length: int) -> int:
    """How many tokens a prompt is by itself, a special token before it included, one behind it not; 0 for none."""
    if not prompt:
        return 0
    (row,) = tokenizer.tokenize([prompt], max_length)
    return len(row) - (row[-1] in tokenizer.special.ids)
