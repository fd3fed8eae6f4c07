"""From token vectors to one vector a sentence: the nine poolings, by these names only.

| name | vector | elsewhere |
|---|---|---|
| `cls` | last layer, first token, nothing after it | princeton `cls_before_pooler`, P1 |
| `pooler` | `cls` through the pretrained Dense (tanh or linear, see `Dense`) | `pooler_output` (tanh), P2 (linear) |
| `last-avg` | mean of the last layer | P3, sentence-transformers `mean` |
| `first-last-avg` | mean of the first *transformer* layer (`hidden_states[1]`) and the last | P4 |
| `top2-avg` | mean of the last two layers | princeton `avg_top2` |
| `embedding-last-avg` | mean of the embedding layer (`hidden_states[0]`) and the last | only to reproduce an old figure |
| `embedding-avg` | mean of the embedding layer alone | a bag of words; to train the token table before the layers |
| `last-token` | last layer, last token that is no padding | sentence-transformers `lasttoken`, of decoders |
| `max` | largest value of each dimension in the last layer | sentence-transformers `max` |

Means and maxima run over the tokens of the sentence, [CLS] and [SEP] included, padding never: a sentence has the same vector
alone and in a batch. Where a tokenizer adds no special tokens an empty text has no token at all: its mean, its maximum and its
last token are the zero vector.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, cast, get_args

from juyi.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

PoolingName = Literal[
    "cls", "pooler", "last-avg", "first-last-avg", "top2-avg", "embedding-last-avg", "embedding-avg", "last-token", "max"
]
POOLING_NAMES: tuple[str, ...] = get_args(PoolingName)


def known_pooling(name: str | None) -> PoolingName | None:
    """The pooling of that name; None stays None.

    Raises:
        UsageError: There is no such pooling.
    """
    if name is not None and name not in POOLING_NAMES:
        raise UsageError(f"'{name}' is no pooling. The poolings are {', '.join(POOLING_NAMES)}.")
    return cast("PoolingName | None", name)


def layers_of(pooling: PoolingName, layer_count: int) -> tuple[int, ...]:
    """The indices into `hidden_states` (0 is the embedding layer) whose mean a pooling reads.

    Args:
        pooling: One of `POOLING_NAMES`.
        layer_count: Transformer layers of the backbone; `hidden_states` holds one more.
    """
    last = layer_count
    match pooling:
        case "first-last-avg":
            return (1, last)
        case "top2-avg":
            return (last - 1, last)
        case "embedding-last-avg":
            return (0, last)
        case "embedding-avg":
            return (0,)
        case _:
            return (last,)


def reads_lower_layers(pooling: PoolingName) -> bool:
    """Whether a pooling needs other layers than the last."""
    return layers_of(pooling, 3) != (3,)


def pool(pooling: PoolingName, hidden_states: Sequence[Tensor], mask: Tensor, *, skipped: int = 0) -> Tensor:
    """Pool token vectors into sentence vectors.

    Args:
        pooling: One of `POOLING_NAMES`; `pooler` gives the vector that its Dense then takes, that is `cls`.
        hidden_states: The embedding layer and every transformer layer.
        mask: 1 for a token, 0 for padding.
        skipped: So many tokens at the start of each row take no part: those of a prompt. Of a row that has no others `cls`
            reads the first, and a mean is zero, as in sentence-transformers.

    Returns:
        One vector a sentence, in the precision of the hidden states.

    Shapes:
        hidden_states: (layers + 1) tensors of (n, length, dim); mask: (n, length); result: (n, dim).
    """
    if skipped:
        first = (mask.sum(1) > skipped) * skipped
        mask = mask.clone()
        mask[:, :skipped] = 0
        if pooling in ("cls", "pooler"):
            return hidden_states[-1][range(len(mask)), first]
    match pooling:
        case "cls" | "pooler":
            return hidden_states[-1][:, 0]
        case "last-token":
            return last_tokens(hidden_states[-1], mask)
        case "max":
            return masked_max(hidden_states[-1], mask)
        case _:
            return masked_mean(_tokens(pooling, hidden_states), mask)


def pool_packed(pooling: PoolingName, hidden_states: Sequence[Tensor], starts: Tensor, row: Tensor) -> Tensor:
    """As `pool`, for rows that lie side by side instead of padded one under the other.

    Args:
        pooling: One of `POOLING_NAMES`.
        hidden_states: The embedding layer and every transformer layer.
        starts: Where each row begins; every row has a token at least.
        row: The number of each token's row.

    Shapes:
        hidden_states: (layers + 1) tensors of (tokens, dim); starts: (n,); row: (tokens,); result: (n, dim).
    """
    tokens, lengths = _tokens(pooling, hidden_states), row.bincount(minlength=len(starts))
    match pooling:
        case "cls" | "pooler":
            return tokens.index_select(0, starts)
        case "last-token":
            return tokens.index_select(0, starts + lengths - 1)
        case "max":
            lowest = tokens.new_full((len(starts), tokens.shape[1]), float("-inf"))
            return lowest.scatter_reduce(0, row.unsqueeze(1).expand_as(tokens), tokens, "amax")
        case _:
            sums = tokens.new_zeros(len(starts), tokens.shape[1]).index_add(0, row, tokens)
            return sums / lengths.unsqueeze(1).to(tokens.dtype)


def _tokens(pooling: PoolingName, hidden_states: Sequence[Tensor]) -> Tensor:
    """The token vectors that a pooling reads."""
    chosen = [hidden_states[layer] for layer in layers_of(pooling, len(hidden_states) - 1)]
    return chosen[0] if len(chosen) == 1 else (chosen[0] + chosen[1]) / 2


def masked_mean(tokens: Tensor, mask: Tensor) -> Tensor:
    """Mean over the tokens that are not padding.

    Shapes:
        tokens: (n, length, dim); mask: (n, length); result: (n, dim).
    """
    weights = mask.unsqueeze(-1).to(tokens.dtype)
    return (tokens * weights).sum(1) / weights.sum(1).clamp(min=1)


def last_tokens(tokens: Tensor, mask: Tensor) -> Tensor:
    """The last token of each row that is not padding, whichever side the padding lies on.

    Shapes:
        tokens: (n, length, dim); mask: (n, length); result: (n, dim).
    """
    last = (mask * mask.cumsum(1)).argmax(1)
    found = tokens.gather(1, last.view(-1, 1, 1).expand(-1, 1, tokens.shape[2])).squeeze(1)
    return found.masked_fill(mask.sum(1, keepdim=True) == 0, 0.0)


def masked_max(tokens: Tensor, mask: Tensor) -> Tensor:
    """The largest value of each dimension over the tokens that are not padding.

    Shapes:
        tokens: (n, length, dim); mask: (n, length); result: (n, dim).
    """
    there = mask.unsqueeze(-1) == 1
    largest = tokens.masked_fill(~there, float("-inf")).amax(1)
    return largest.masked_fill(~there.any(1), 0.0)
