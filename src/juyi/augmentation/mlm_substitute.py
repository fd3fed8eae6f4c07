"""Substitution by a masked language model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from juyi.augmentation.drawing import check_rate, draw_positions, share_of
from juyi.augmentation.masked_predictor import Hidden, open_predictor
from juyi.errors import UsageError


@dataclass(frozen=True)
class MaskedLMSubstitute:
    """Hide some of a text's tokens and put there what a masked language model predicts.

    Of the N tokens that hold letters or digits max(1, round(rate·N)), halves up, are drawn without replacement and hidden
    together. Each is replaced by another token than it was, with letters or digits, never a special or unused one, and of the
    same sort: a beginning of a word by a beginning, a continuation by a continuation. The rest of the text stays as it is, and so
    does all that lies beyond the longest input of the model.

    Attributes:
        model: A masked language model: a folder, or a hub id such as google-bert/bert-base-chinese.
        rate: Share of the tokens to replace.
        top: Draw among this many of the best predictions by their probability; 1 takes the best.
        batch_size: Texts that run through the model at once.

    Raises:
        UsageError: There is no model, the rate is not within [0, 1], or top or batch size is below 1.

    Source:
        Gao et al., SimCSE (arXiv:2104.08821) table 1, "MLM 15%": "we use BERT-base to replace k% of words", the best prediction.
        That the token must change is ours: else most Chinese characters are put back, and k % says nothing.
    """

    kind: Literal["mlm-substitute"] = "mlm-substitute"
    model: str = ""
    rate: float = 0.15
    top: int = 1
    batch_size: int = 64

    def __post_init__(self) -> None:
        check_rate(self.rate, of=self.kind, top=True)
        if not self.model:
            raise UsageError(
                "Which masked language model predicts is not said. Name a folder or a hub id (-m), google-bert/bert-base-chinese "
                "for example; the embedded encoders are none, they have no output layer."
            )
        for name, value in (("top", self.top), ("batch_size", self.batch_size)):
            if value < 1:
                raise UsageError(f"{name} of {self.kind} is {value}; it must be 1 or more.")

    def __call__(self, texts: Sequence[str], rng: np.random.Generator) -> list[str]:
        """Each text with some of its tokens replaced.

        Raises:
            ModelError: The model cannot be loaded, or is no masked language model.
            MissingExtraError: torch or transformers is not installed.
        """
        predictor = open_predictor(self.model)
        rows = predictor.read(texts)
        counts = [min(share_of(self.rate, len(row.places)), len(row.places)) for row in rows]
        drawn = draw_positions([len(row.places) for row in rows], counts, rng)
        fates = np.split(rng.random(sum(counts)), np.cumsum(np.asarray(counts, dtype=np.int64)))[: len(rows)]
        hidden = [
            Hidden(row, [row.places[place] for place in places], fate)
            for row, places, fate in zip(rows, drawn, fates, strict=True)
            if places
        ]
        order = sorted(range(len(hidden)), key=lambda index: len(hidden[index].row.ids))
        made: dict[int, str] = {}
        for start in range(0, len(order), self.batch_size):
            batch = [hidden[index] for index in order[start : start + self.batch_size]]
            for each, words in zip(batch, predictor.predict(batch, top=self.top), strict=True):
                made[each.row.number] = each.filled(texts[each.row.number], words)
        return [made.get(number, text) for number, text in enumerate(texts)]
