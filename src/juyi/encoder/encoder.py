"""The Encoder: backbone, pooling, head."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from juyi.embeddings import check_texts
from juyi.encoder.dropout import quicken_dropout
from juyi.encoder.families import dropout_of, family_of
from juyi.encoder.heads import Dense
from juyi.encoder.packing import pack, packed_states
from juyi.encoder.settings import LoRA
from juyi.encoder.view import view_of
from juyi.layout import Output
from juyi.poolings import PoolingName, pool, pool_packed, reads_lower_layers
from juyi.prompts import Prompt, Prompts
from juyi.tokenization import SubwordTokenizer, TokenIds, WordTokenizer, chunks_by_tokens, pad, prompt_length
from juyi.types import Embeddings


class Encoder(nn.Module):
    """Turns sentences into vectors.

    Args:
        backbone: A transformers model without a task head.
        tokenizer: Cuts the sentences.
        pooling: From token vectors to a sentence vector.
        heads: Dense layers after the pooling, in order.
        max_length: Longest input in tokens, [CLS] and [SEP] included.
        normalise: Whether the model's own last step is L2 normalisation.
        prompts: What is put before the texts, by name.
        output: What the model says about its vectors; a cut to fewer dimensions is part of `encode`, never of training.

    Attributes:
        prompt: In place of the default prompt as long as the encoder is in memory; None leaves the default. It is not saved.
    """

    def __init__(
        self,
        backbone: nn.Module,
        tokenizer: SubwordTokenizer | WordTokenizer,
        *,
        pooling: PoolingName,
        heads: Iterable[Dense] = (),
        max_length: int,
        normalise: bool = False,
        prompts: Prompts = Prompts(),
        output: Output | None = None,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.tokenizer = tokenizer
        self.pooling: PoolingName = pooling
        self.heads = nn.ModuleList(heads)
        self.max_length = max_length
        self.normalise = normalise
        self.prompts = prompts
        self.prompt: Prompt | None = None
        self.output = output or Output()
        self._all_layers = reads_lower_layers(pooling)
        quicken_dropout(backbone)

    @property
    def config(self) -> Any:
        """The backbone's transformers configuration."""
        return self.backbone.config

    @property
    def lora(self) -> LoRA | None:
        """What adapters lie beside the backbone's weights; None where there are none."""
        return cast("LoRA | None", getattr(self.backbone, "lora", None))

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return next(self.backbone.parameters()).device

    @property
    def dim(self) -> int:
        """Width of the sentence vectors outside training."""
        kept = self.kept_heads
        width = kept[-1].linear.out_features if kept else int(self.config.hidden_size)
        return min(width, self.output.truncate_dim or width)

    @property
    def training_dim(self) -> int:
        """Width of the sentence vectors in training, where heads for training only take part."""
        return self.heads[-1].linear.out_features if self.heads else int(self.config.hidden_size)  # type: ignore[union-attr, return-value]

    @property
    def kept_heads(self) -> list[Dense]:
        """The heads that are part of the encoding: those that are not for training only."""
        return [head for head in self.heads if isinstance(head, Dense) and not head.training_only]

    @property
    def dropout(self) -> tuple[float, float]:
        """Hidden and attention dropout."""
        return dropout_of(self.config)

    def forward(self, ids: Tensor, mask: Tensor, *, skipped: int = 0) -> Tensor:
        """One vector a sentence: pooled, and through the heads (training-only ones in training mode).

        Args:
            ids: The tokens.
            mask: 1 for a token, 0 for padding.
            skipped: So many tokens at the start of each row take no part in the pooling; see `skipped_tokens`.

        Shapes:
            ids, mask: (n, length); result: (n, dim).
        """
        return self._through_heads(pool(self.pooling, self.hidden_states(ids, mask), mask, skipped=skipped))

    def embed(self, rows: Sequence[TokenIds]) -> Tensor:
        """What `forward` gives for what `tokenize` made, with gradient and without padding where the backbone allows it.

        Shapes:
            result: (n, dim).
        """
        skipped = self.skipped_tokens()
        if skipped or not self.packs or not all(rows):  # a row without a token has no place among others
            return cast(Tensor, self(*self.tensors(rows), skipped=skipped))
        packed = pack(rows, self.device)
        states = packed_states(self.backbone, packed, all_layers=self._all_layers)
        return self._through_heads(pool_packed(self.pooling, states, packed.starts, packed.row))

    def embed_tokens(self, rows: Sequence[TokenIds], positions: Sequence[NDArray[np.intp]]) -> Tensor:
        """The last layer's vectors at chosen token positions of tokenized sentences, all rows joined, in order.

        Shapes:
            positions: n arrays; result: (sum of their lengths, hidden).
        """
        if not self.packs:
            return self.tokens(*self.tensors(rows), positions)
        packed = pack(rows, self.device)
        starts = np.cumsum([0, *(len(row) for row in rows[:-1])])
        places = np.concatenate([start + places for start, places in zip(starts, positions, strict=True)])
        return packed_states(self.backbone, packed)[-1].index_select(0, torch.from_numpy(places).to(self.device))

    @property
    def packs(self) -> bool:
        """Whether rows can lie side by side; a bag of words is computed without any layer instead."""
        return bool(family_of(self.config.model_type).packs) and self.pooling != "embedding-avg"

    def hidden_states(self, ids: Tensor, mask: Tensor) -> Sequence[Tensor]:
        """The token vectors of the layers that the pooling reads: the last one alone, or all of them.

        Shapes:
            ids, mask: (n, length); result: tensors of (n, length, hidden).
        """
        if self.pooling == "embedding-avg" and not family_of(self.config.model_type).projects:  # no layer need be computed
            return [_embedding_layer(self.backbone)(ids)]
        if not self._all_layers:
            return [self.backbone(input_ids=ids, attention_mask=mask).last_hidden_state]
        output = view_of(self.backbone)(input_ids=ids, attention_mask=mask, output_hidden_states=True)  # it changes the module
        return [*output.hidden_states[:-1], output.last_hidden_state]

    def tokens(self, ids: Tensor, mask: Tensor, positions: Sequence[NDArray[np.intp]]) -> Tensor:
        """The last layer's vectors at chosen token positions, all rows joined, in order.

        Shapes:
            ids, mask: (n, length); positions: n arrays; result: (sum of their lengths, hidden).
        """
        last = self.backbone(input_ids=ids, attention_mask=mask).last_hidden_state
        rows = np.repeat(np.arange(len(positions)), [len(p) for p in positions])
        columns = np.concatenate(positions)
        flat = torch.from_numpy(rows * last.shape[1] + columns).to(last.device)
        chosen: Tensor = last.reshape(-1, last.shape[-1]).index_select(0, flat)
        return chosen

    def _through_heads(self, embeddings: Tensor) -> Tensor:
        for head in self.heads:
            if self.training or not head.training_only:
                embeddings = head(embeddings)
        return nn.functional.normalize(embeddings, dim=-1) if self.normalise else embeddings

    def tensors(self, rows: Sequence[TokenIds]) -> tuple[Tensor, Tensor]:
        """Ids and mask on the encoder's device, padded to the longest row."""
        ids, mask = pad(rows, self.tokenizer.special.pad)
        return torch.from_numpy(ids).to(self.device), torch.from_numpy(mask).to(self.device)

    def prompt_for(self, given: str | Prompt | None = None) -> Prompt:
        """The prompt that is meant by a name or a text; by None the one that was set, or the default. See `Prompts.resolve`.

        Raises:
            UsageError: There is no prompt of that name.
        """
        return self.prompt if given is None and self.prompt is not None else self.prompts.resolve(given)

    def tokenize(self, texts: Sequence[str], *, prompt: str | Prompt | None = None) -> list[TokenIds]:
        """The ids of each text with the prompt before it, cut to `max_length`.

        Raises:
            UsageError: There is no prompt of that name.
        """
        return self.tokenizer.tokenize(self.prompt_for(prompt).before(texts), self.max_length)

    def skipped_tokens(self, prompt: str | Prompt | None = None) -> int:
        """How many tokens at the start of each row the pooling leaves out: none, or the prompt's, [CLS] included.

        The prompt is counted alone, as sentence-transformers does it, [SEP] not included.
        """
        return 0 if self.prompts.pooled else self.prompt_tokens(prompt)

    def prompt_tokens(self, prompt: str | Prompt | None = None) -> int:
        """How many tokens a prompt is, [CLS] included, a special token behind it not; 0 for none."""
        return prompt_length(self.tokenizer, self.prompt_for(prompt).text, self.max_length)

    @torch.inference_mode()
    def encode(self, texts: Sequence[str], *, prompt: str | Prompt | None = None, batch_tokens: int = 4096) -> Embeddings:
        """Encode without dropout, in float32, whatever mode the encoder is in. Several threads may encode at once.

        Args:
            texts: Any number of sentences.
            prompt: The name of one of the model's prompts, or a text, to put before each sentence; empty for none, and None for
                the default. See `Prompts.resolve`.
            batch_tokens: Padded tokens in one forward.

        Shapes:
            result: (n, dim).

        Raises:
            UsageError: The texts are one string, or something among them is none; or there is no prompt of that name.
        """
        rows, skipped = self.tokenize(check_texts(texts), prompt=prompt), self.skipped_tokens(prompt)
        result = np.empty((len(rows), self.dim), dtype=np.float32)
        still = view_of(self, training=False)
        for chunk in chunks_by_tokens([len(row) for row in rows], batch_tokens):
            ids, mask = self.tensors([rows[i] for i in chunk])
            result[chunk] = still(ids, mask, skipped=skipped)[:, : self.dim].float().cpu().numpy()
        return result


def _embedding_layer(backbone: nn.Module) -> Any:
    """What turns ids into `hidden_states[0]`: a module of its own, or the token table alone, as in a decoder."""
    return getattr(backbone, "embeddings", None) or backbone.get_input_embeddings()  # type: ignore[operator]
