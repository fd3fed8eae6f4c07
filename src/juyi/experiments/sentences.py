"""The sentences of a run: made distinct, sampled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from juyi.data import normalise
from juyi.experiments.recipe import DataSettings


def select_sentences(texts: Sequence[str], settings: DataSettings) -> list[str]:
    """The sentences to train on: distinct ones where asked for, then a random sample where one is smaller.

    Two sentences count as the same when they differ in case, width, punctuation or spaces only.
    """
    chosen = list(texts)
    if settings.distinct:
        firsts: dict[str, str] = {}
        for text in chosen:
            firsts.setdefault(normalise(text), text)
        chosen = list(firsts.values())
    if settings.sample and settings.sample < len(chosen):
        rng = np.random.default_rng(settings.seed)
        chosen = [chosen[i] for i in rng.choice(len(chosen), settings.sample, replace=False)]
    return chosen
