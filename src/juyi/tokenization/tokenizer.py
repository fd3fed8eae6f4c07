"""What every tokenizer of juyi does, whatever cuts the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

TokenIds = list[int]


@dataclass(frozen=True)
class SpecialTokens:
    """The ids that mean something to the encoder and nothing in the text."""

    cls: int
    sep: int
    pad: int
    unknown: int
    mask: int | None

    @property
    def ids(self) -> frozenset[int]:
        """All of them, as a set."""
        return frozenset(i for i in (self.cls, self.sep, self.pad, self.unknown, self.mask) if i is not None)


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
