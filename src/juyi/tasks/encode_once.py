"""Encoding each distinct text once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from juyi.embeddings import check_texts, encoded
from juyi.prompts import PromptedEncode
from juyi.types import Embeddings, Encode


class EncodeOnce:
    """An encoder that remembers: a text that was encoded before is looked up, a repeated one is encoded once.

    The sentences of the public sets repeat within a split and between splits. The memory holds one float32 row a distinct text;
    wrap the encoder anew for each evaluation, and after each change of its weights.

    Args:
        encode: What encodes the texts that were not met before.
        block_size: Texts that `prepare` encodes before it tells how far it is.
    """

    def __init__(self, encode: Encode, *, block_size: int = 4096) -> None:
        self._encode = encode
        self._block_size = block_size
        self._rows: dict[str, Embeddings] = {}

    def __len__(self) -> int:
        """How many distinct texts were encoded."""
        return len(self._rows)

    def __call__(self, texts: Sequence[str]) -> Embeddings:
        """The embeddings of the texts, in their order.

        Shapes:
            texts: (n,)
            returns: (n, dim)

        Raises:
            UsageError: Something among the texts is none, or the encoder does not give one row a text.
        """
        texts = check_texts(texts)
        self._learn(self.unknown(texts))
        if not len(texts):
            return encoded(self._encode, texts)
        return np.stack([self._rows[text] for text in texts])

    def prepare(self, texts: Iterable[str], progress: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Encode what was not met before, sentences of like length together.

        Args:
            texts: Any number, repeats and all.
            progress: Told how many of how many distinct texts are encoded.

        Raises:
            UsageError: Something among the texts is none, or the encoder does not give one row a text.
        """
        fresh = sorted(self.unknown(check_texts(texts)), key=len)
        progress(0, len(fresh))
        for start in range(0, len(fresh), self._block_size):
            self._learn(fresh[start : start + self._block_size])
            progress(min(start + self._block_size, len(fresh)), len(fresh))

    def unknown(self, texts: Iterable[str]) -> list[str]:
        """The distinct texts that were not met before."""
        return [text for text in dict.fromkeys(texts) if text not in self._rows]

    def _learn(self, fresh: Sequence[str]) -> None:
        if fresh:
            # A copy: an encoder may reuse the memory of its result.
            self._rows.update(zip(fresh, encoded(self._encode, fresh).copy(), strict=True))


def encoded_once(encode: Encode) -> Encode:
    """The encoder with a memory, one for each prompt where it has several; one that remembers already is left as it is."""
    if isinstance(encode, PromptedEncode):
        return encode.wrapped(encoded_once)
    return encode if isinstance(encode, EncodeOnce) else EncodeOnce(encode)
