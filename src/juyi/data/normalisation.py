"""When two texts count as one: what is left of a text without what hardly changes its meaning."""

from __future__ import annotations

import re
import unicodedata

_MARKS = re.compile("[ ,，.。?？!！、；;：:“”]+")
"""The usual ones. Each is dropped in any case, and changes nothing of what stands beside it."""


class _Kept(dict[int, int | None]):
    """A table for `str.translate` that drops punctuation, spaces and invisible characters, filled as characters turn up."""

    def __missing__(self, point: int) -> int | None:
        kept = None if unicodedata.category(chr(point))[0] in "PZC" else point
        self[point] = kept
        return kept


_KEPT = _Kept()


def normalise(text: str) -> str:
    """A text without what hardly changes its meaning: NFKC (full width becomes half width), lower case, no punctuation or spaces.

    A text of nothing else keeps its punctuation, so that "？" and "。" stay different.
    """
    # The short way, for nearly all Chinese sentences: letters and digits with the usual marks between. Of Σ alone the lower case
    # depends on what follows.
    body = text if text.isalnum() else _MARKS.sub("", text)
    if body.isalnum() and unicodedata.is_normalized("NFKC", body) and "Σ" not in body:
        low = body.lower()
        if low.isalnum() and unicodedata.is_normalized("NFKC", low):
            return low
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower())
    # Characters that come to stand side by side may compose.
    return unicodedata.normalize("NFKC", folded.translate(_KEPT)) or folded.strip()
