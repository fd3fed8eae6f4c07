from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from juyi.encoder import Encoder, create_encoder
from juyi.errors import TrainingError, UsageError
from juyi.objectives import MaskedLM, View
from juyi.tokenization import row_words
from juyi.training import ProcessWorld, encode_views, plain_step, seed_step


def draw(encoder: Encoder, rows: list[list[int]], *, step: int = 0, objective: MaskedLM | None = None) -> View:
    (view,) = (objective or MaskedLM()).inputs({"text": rows}, seed_step(3, 0, step), encoder)
    return view


class World:
    """One of several processes, without the processes: `gather` answers with the counts of all."""

    def __init__(self, rank: int, counts: list[int]) -> None:
        self.rank, self.size, self.counts = rank, len(counts), counts

    def gather(self, rows: torch.Tensor) -> torch.Tensor:
        assert rows.tolist() == [self.counts[self.rank]]
        return torch.tensor(self.counts, dtype=rows.dtype)


@pytest.mark.parametrize("kind", ["bert", "modernbert"])
@pytest.mark.parametrize("chunk_size", [2, 100])
def test_the_loss_equals_the_full_logits(tiny: Callable[..., Encoder], rows: list[list[int]], kind: str, chunk_size: int) -> None:
    encoder, objective = tiny(kind, dropout=0.0), MaskedLM(rate=0.3)
    head = cast(Any, objective.start(encoder))
    torch.nn.init.normal_(head.bias)
    view = draw(encoder, rows[:7], objective=objective)
    loss, _ = plain_step(encoder, objective, [view], ProcessWorld(), head, chunk_size=chunk_size)
    ids, mask = encoder.tensors(view.rows)
    last = encoder.backbone(input_ids=ids, attention_mask=mask).last_hidden_state
    embedding = cast(Any, encoder.backbone).get_input_embeddings().weight.detach().double().numpy()
    with torch.no_grad():
        hidden = head.norm(torch.nn.functional.gelu(head.dense(last))).double().numpy()
    losses = []
    for row, (positions, original) in enumerate(zip(view.positions or (), rows[:7], strict=True)):
        for position in positions:
            logits = [float(hidden[row, position] @ e) + float(b) for e, b in zip(embedding, head.bias.detach(), strict=True)]
            losses.append(math.log(sum(map(math.exp, logits))) - logits[original[position]])
    assert len(losses) > 7
    assert float(loss) == pytest.approx(sum(losses) / len(losses), abs=1e-6)


def test_masks_are_drawn_anew_at_every_step(tiny: Callable[..., Encoder], rows: list[list[int]]) -> None:
    encoder = tiny()
    first, again, other = (draw(encoder, rows, step=step) for step in (0, 0, 1))
    assert first.rows == again.rows
    assert [p.tolist() for p in first.positions or ()] == [p.tolist() for p in again.positions or ()]
    assert [p.tolist() for p in first.positions or ()] != [p.tolist() for p in other.positions or ()]
    assert first.dropout


@pytest.mark.parametrize("text", ["春天来了,火车晚点了", "手机充不进电怎么办,playing flowers 3.5😀?"])
def test_whole_words_are_hidden_together(tiny: Callable[..., Encoder], text: str) -> None:
    encoder, objective = tiny(), MaskedLM(rate=0.3, whole_words=True)
    assert objective.columns == ("text", "text_words") and MaskedLM().columns == ("text",)
    rows = encoder.tokenizer.tokenize([text])
    words = row_words([text], rows, cast(Any, encoder.tokenizer))
    (view,) = objective.inputs({"text": rows * 300, "text_words": words * 300}, seed_step(3, 0, 0), encoder)
    able = [place for place, token in enumerate(rows[0]) if token not in encoder.tokenizer.special.ids]
    wholes = [{place for place in able if words[0][place] == number} for number in {words[0][place] for place in able}]
    assert max(map(len, wholes)) > 1
    halves = [chosen for chosen in view.positions or () for whole in wholes if 0 < len(whole & {*chosen.tolist()}) < len(whole)]
    assert not halves
    for whole in wholes:
        assert any(whole <= {*chosen.tolist()} for chosen in view.positions or ())


def test_the_output_matrix_is_the_embedding(tiny: Callable[..., Encoder], rows: list[list[int]]) -> None:
    encoder, objective = tiny(dropout=0.0), MaskedLM()
    head = objective.start(encoder)
    embedding = cast(Any, encoder.backbone).get_input_embeddings().weight
    assert set(head.state_dict()) == {"dense.weight", "dense.bias", "norm.weight", "norm.bias", "bias"}
    assert all(parameter is not embedding for parameter in head.parameters())
    tokens = torch.randn(4, 32)
    head(tokens).logsumexp(1).sum().backward()
    assert (
        embedding.grad is not None and float(embedding.grad.abs().min(1).values.max()) > 0
    )  # of every token, not of the input's
    before = head(tokens)
    with torch.no_grad():
        embedding.mul_(2)
    assert not torch.allclose(before, head(tokens))


def test_each_process_weighs_as_much_as_it_hides(tiny: Callable[..., Encoder], rows: list[list[int]]) -> None:
    encoder, objective = tiny(dropout=0.0), MaskedLM(rate=0.3)
    head = objective.start(encoder)
    view = draw(encoder, rows[:6], objective=objective)
    encoded = encode_views(encoder, [view], head, chunk_size=10)[0]
    whole = objective.loss([encoded], [view], ProcessWorld(), head)
    total, labels = len(encoded), cast(Any, view.labels)
    losses = []
    for cut in ([0, 2, total], [0, total, total]):  # the second process has much more than the first; then none at all
        counts = [cut[1] - cut[0], cut[2] - cut[1]]
        for rank in (0, 1):
            part = slice(cut[rank], cut[rank + 1])
            losses.append(objective.loss([encoded[part]], [View([], labels=labels[part])], World(rank, counts), head))
    for pair in (losses[:2], losses[2:]):
        torch.testing.assert_close(sum(pair) / 2, whole, atol=1e-6, rtol=0)
    losses[3].backward()
    assert all(parameter.grad is not None and not parameter.grad.any() for parameter in head.parameters())


def test_nothing_to_hide_is_an_error(tiny: Callable[..., Encoder]) -> None:
    encoder, objective = tiny(), MaskedLM()
    view = draw(encoder, [[2, 3], [2, 1, 3]])
    with pytest.raises(TrainingError, match="could be hidden"):
        plain_step(encoder, objective, [view], ProcessWorld(), objective.start(encoder), chunk_size=4)


def test_a_row_with_nothing_to_hide_is_no_error(tiny: Callable[..., Encoder], rows: list[list[int]]) -> None:
    encoder, objective = tiny(), MaskedLM()
    view = draw(encoder, [[2, 3], *rows[:2], [2, 1, 3]])
    loss, _ = plain_step(encoder, objective, [view], ProcessWorld(), objective.start(encoder), chunk_size=1)
    assert math.isfinite(float(loss))


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1, math.nan])
def test_the_rate_is_a_share(rate: float) -> None:
    with pytest.raises(UsageError, match="masking rate"):
        MaskedLM(rate=rate)


def test_a_tokenizer_without_mask_is_refused() -> None:
    encoder = SimpleNamespace(tokenizer=SimpleNamespace(special=SimpleNamespace(mask=None)))
    with pytest.raises(UsageError, match=r"no \[MASK\]"):
        MaskedLM().start(cast(Encoder, encoder))


def test_an_embedding_of_another_width_is_refused(tiny: Callable[..., Encoder]) -> None:
    options = {"hidden_size": 32, "embedding_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    encoder = create_encoder("albert", options, cast(Any, tiny().tokenizer))
    with pytest.raises(UsageError, match="16 wide, the layers 32"):
        MaskedLM().start(encoder)
