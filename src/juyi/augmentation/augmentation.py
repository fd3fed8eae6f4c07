"""The protocol that every augmentation follows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np


class Augmentation(Protocol):
    """Another form of each text: a frozen dataclass whose fields are a recipe's table, told apart by `kind`.

    Pure: the same texts and the same state of the generator give the same result, and nothing else is drawn from. Redrawing every
    epoch is the caller's part: the generator has moved on, or is another one.
    """

    def __call__(self, texts: Sequence[str], rng: np.random.Generator) -> list[str]:
        """As many texts, in order; none is empty that was not. A text without words, of punctuation alone, stays as it is."""
        ...
