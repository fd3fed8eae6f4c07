"""ESimCSE: the second view repeats some words, and a queue of earlier sentences gives more negatives."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn

from juyi.augmentation import RepeatWords
from juyi.encoder import Encoder, follow, twin
from juyi.errors import UsageError
from juyi.layout import max_positions
from juyi.losses import info_nce
from juyi.objectives.checks import check_temperature
from juyi.objectives.objective import Batch, ObjectiveDefaults, View, World
from juyi.tokenization import TokenIds, repeat_tokens, repeat_tokens_as_released


@dataclass(frozen=True)
class ESimCSE(ObjectiveDefaults):
    """Unsupervised SimCSE against two of its weaknesses: views of equal length, and few negatives.

    A sentence and its other view have the same length, so the encoder learns that equal length means the same; the second view
    therefore repeats some words. And a momentum copy of the encoder, without dropout, encodes the sentences once more for a
    queue; what lies in it from earlier steps is a negative for everyone.

    Attributes:
        temperature: Divides the cosine.
        rate: Largest share of the words to repeat; 0 repeats none.
        unit: What is repeated: `sub-words`, or `words` (Chinese ones as jieba cuts them).
        queue_size: Sentences in the queue; 0 for no queue and no momentum copy. 2.5 batches are usual.
        momentum: How slowly the copy follows the encoder.
        variant: `paper`, or `released`: as the authors' code does it. There the draw of what is repeated is the same in every
            epoch and counted otherwise (`repeat_tokens_as_released`), and the momentum copy has no head of its own but shares the
            live one.

    Source:
        Wu et al., ESimCSE (arXiv:2109.04380) sections 3.1 and 3.2; caskcsg/sentemb, folder ESimCSE.
    """

    kind: Literal["esimcse"] = "esimcse"
    temperature: float = 0.05
    rate: float = 0.32
    unit: Literal["sub-words", "words"] = "sub-words"
    queue_size: int = 160
    momentum: float = 0.995
    variant: Literal["paper", "released"] = "paper"

    in_batch_negatives: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_temperature(self.temperature)
        if not 0.0 <= self.rate < 1.0:
            raise UsageError(f"The rate of repetition is {self.rate}; it must lie from 0 to below 1, 0.32 is usual.")
        if self.queue_size < 0:
            raise UsageError(f"queue_size is {self.queue_size}; give 0 for no queue, or 2.5 times the batch size.")
        if not 0.0 <= self.momentum <= 1.0:
            raise UsageError(f"The momentum is {self.momentum}; it must lie from 0 to 1, 0.995 is usual.")

    @property
    def columns(self) -> tuple[str, ...]:
        """The sentences, and where words are repeated as they were written too."""
        return ("text", "raw") if self.unit == "words" else ("text",)

    def start(self, encoder: Encoder) -> nn.Module:
        """The momentum copy and the queue."""
        return MomentumQueue(encoder, self.queue_size, own_heads=self.variant == "paper") if self.queue_size else nn.Module()

    def inputs(self, batch: Batch, rng: np.random.Generator, encoder: Encoder) -> list[View]:
        """The sentences, their views with repetitions, and the sentences for the momentum copy."""
        views = [View(batch["text"]), View(self._repeated(batch, rng, encoder))]
        if self.queue_size:
            views.append(View(batch["text"], tower="momentum", dropout=False, gradient=False))
        return views

    def loss(self, encoded: Sequence[Tensor], views: Sequence[View], world: World, state: nn.Module) -> Tensor:
        """InfoNCE across the views; the queue as it was before this step stands in the denominator alone."""
        first, second = encoded[:2]
        queue = state.filled_rows()[:, : first.shape[1]] if isinstance(state, MomentumQueue) else None
        offset = world.rank * len(first)
        return info_nce(first, world.gather(second), temperature=self.temperature, offset=offset, extra_negatives=queue)

    def after_step(self, encoded: Sequence[Tensor], world: World, state: nn.Module) -> None:
        """Fill the queue with this step's sentences of all processes; the copy follows the encoder."""
        if isinstance(state, MomentumQueue):
            state.append(world.gather(encoded[2]))
            state.follow(self.momentum)

    def _repeated(self, batch: Batch, rng: np.random.Generator, encoder: Encoder) -> Sequence[TokenIds]:
        if self.rate == 0.0:
            return batch["text"]
        released = self.variant == "released"
        if self.unit == "words":
            change, texts = RepeatWords(rate=self.rate), batch["raw"]
            changed = [change([text], _always_alike(text))[0] for text in texts] if released else change(texts, rng)
            return encoder.tokenize(changed)
        head = max(1, encoder.prompt_tokens())
        if released:
            longest = max_positions(encoder.config.to_dict()) or encoder.max_length
            return repeat_tokens_as_released(batch["text"], rate=self.rate, longest=longest, head=head)
        return repeat_tokens(batch["text"], rng, rate=self.rate, longest=encoder.max_length, head=head)


class MomentumQueue(nn.Module):
    """A copy that follows an encoder, and the newest vectors that it gave.

    Args:
        encoder: Whom the copy follows.
        size: Vectors to keep.
        own_heads: Whether the copy's heads follow too; otherwise it shares the encoder's.
    """

    rows: Tensor
    filled: Tensor

    def __init__(self, encoder: Encoder, size: int, *, own_heads: bool) -> None:
        super().__init__()
        self.momentum = twin(encoder).requires_grad_(False)
        self._live = [encoder]  # in a list: its weights are no part of this state
        self._own_heads = own_heads
        self.register_buffer("rows", torch.zeros(size, encoder.training_dim))
        self.register_buffer("filled", torch.zeros((), dtype=torch.int64))

    def filled_rows(self) -> Tensor:
        """The vectors in the queue, the oldest first.

        Shapes:
            result: (at most size, dim).
        """
        return self.rows[: int(self.filled)]

    def append(self, rows: Tensor) -> None:
        """Put vectors behind the others; the oldest fall out."""
        kept = torch.cat([self.filled_rows(), rows.to(self.rows)])[-len(self.rows) :]
        self.rows[: len(kept)] = kept
        self.filled.fill_(len(kept))

    def follow(self, momentum: float) -> None:
        """Move the copy towards the encoder."""
        follow(self.momentum, self._live[0], momentum)
        if not self._own_heads:
            self.momentum.heads.load_state_dict(self._live[0].heads.state_dict())


def _always_alike(text: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(text.encode()))
