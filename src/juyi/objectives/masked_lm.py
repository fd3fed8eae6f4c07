"""Masked language modelling: how an encoder learns a language before it learns sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, cast

import numpy as np
import torch
from torch import Tensor, nn

from juyi.encoder import Encoder
from juyi.errors import TrainingError, UsageError
from juyi.losses import masked_lm
from juyi.objectives.objective import Batch, ObjectiveDefaults, View, World
from juyi.tokenization import mask_tokens


@dataclass(frozen=True)
class MaskedLM(ObjectiveDefaults):
    """Hide tokens and predict them; masks are redrawn at every step.

    Attributes:
        rate: Share of the tokens to predict. BERT takes 0.15; small encoders learn faster from 0.25 to 0.3.
        whole_words: Hide all tokens of a word or none; words are those of `juyi.tokenization.piece_words`, of Chinese jieba's.

    Source:
        Devlin et al., BERT (arXiv:1810.04805) section 3.1; Wettig et al. (arXiv:2202.08005) for higher rates.
    """

    kind: Literal["masked-lm"] = "masked-lm"
    rate: float = 0.15
    whole_words: bool = False

    in_batch_negatives: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.matryoshka is not None:
            raise UsageError("masked-lm predicts tokens: there are no sentence vectors to cut. Leave matryoshka out.")
        if not 0.0 < self.rate < 1.0:
            raise UsageError(f"The masking rate is {self.rate}; it must lie between 0 and 1, 0.15 for example.")

    @property
    def columns(self) -> tuple[str, ...]:
        """The sentences, and where words are hidden whole the numbers of their words too."""
        return ("text", "text_words") if self.whole_words else ("text",)

    def start(self, encoder: Encoder) -> nn.Module:
        """The prediction head; its output matrix is the encoder's token embedding.

        Raises:
            UsageError: The tokenizer has no [MASK].
        """
        if encoder.tokenizer.special.mask is None:
            raise UsageError("The tokenizer has no [MASK] token, so nothing can be masked; a masked language model needs one.")
        return PredictionHead(int(encoder.config.hidden_size), encoder)

    def inputs(self, batch: Batch, rng: np.random.Generator, encoder: Encoder) -> list[View]:
        """One view of masked rows that is encoded at the hidden positions only."""
        masked = mask_tokens(
            batch["text"],
            rng,
            rate=self.rate,
            special=encoder.tokenizer.special,
            size=int(encoder.config.vocab_size),
            words=batch["text_words"] if self.whole_words else None,
        )
        return [View(masked.rows, positions=masked.positions, labels=masked.labels)]

    def loss(self, encoded: Sequence[Tensor], views: Sequence[View], world: World, state: nn.Module) -> Tensor:
        """Mean cross-entropy of the hidden tokens of all processes; each process weighs as much as it has of them.

        Raises:
            TrainingError: No row has a token that can be hidden.
        """
        labels = torch.from_numpy(cast(Any, views[0].labels)).to(encoded[0].device)
        logits = state(encoded[0])
        total = world.gather(encoded[0].new_tensor([len(labels)])).sum()
        if not total:
            raise TrainingError("No row of this step has a token that could be hidden: all are empty or unknown. Leave them out.")
        if len(labels) == 0:
            return cast(Tensor, logits.sum())  # zero, with a gradient, so that all processes average the same parameters
        return masked_lm(logits, labels) * (len(labels) * world.size / total)


class PredictionHead(nn.Module):
    """Dense, GELU, LayerNorm, and the token embedding as output matrix.

    Args:
        width: Width of the token vectors.
        encoder: Whose token embedding is the output matrix; it is shared, not copied, and no parameter of this module.
    """

    def __init__(self, width: int, encoder: Encoder) -> None:
        super().__init__()
        self.dense = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)
        backbone = cast(Any, encoder.backbone)
        embedding = backbone.get_input_embeddings()
        if embedding.embedding_dim != width:
            raise UsageError(
                f"The token embedding is {embedding.embedding_dim} wide, the layers {width}: masked-lm ties the two. "
                "Take a backbone where they are equally wide."
            )
        self.bias = nn.Parameter(torch.zeros(embedding.num_embeddings))
        self._output = [embedding]  # in a list, so that its weight is not registered here a second time
        nn.init.normal_(self.dense.weight, std=0.02)
        nn.init.zeros_(self.dense.bias)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits over the vocabulary.

        Shapes:
            tokens: (positions, width); result: (positions, vocabulary).
        """
        hidden = self.norm(nn.functional.gelu(self.dense(tokens)))
        return nn.functional.linear(hidden, self._output[0].weight, self.bias)
