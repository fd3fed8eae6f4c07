"""No augmentation: dropout alone makes the two views differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np


@dataclass(frozen=True)
class NoAugmentation:
    """The texts as they are; nothing is drawn.

    Source:
        Gao et al., SimCSE (arXiv:2104.08821) table 1, row "None (unsup. SimCSE)".
    """

    kind: Literal["none"] = "none"

    def __call__(self, texts: Sequence[str], rng: np.random.Generator) -> list[str]:
        """The same texts."""
        return list(texts)
