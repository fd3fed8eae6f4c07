from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from juyi.encoder import Encoder, save_encoder
from juyi.errors import UsageError
from juyi.losses import info_nce, nt_xent
from juyi.objectives import SimCSESupervised
from juyi.training import ProcessWorld, plain_step

COUNT = 8
ROUNDING = 4e-6
"""Of float32 at logits of 20, the cosine divided by 0.05: one unit in the last place is 1.9e-6."""


def run(objective: SimCSESupervised, encoder: Encoder, rows: list[list[int]]) -> tuple[float, list[torch.Tensor]]:
    batch = {name: rows[i * COUNT : (i + 1) * COUNT] for i, name in enumerate(("anchor", "positive", "negative"))}
    views = objective.inputs(batch, np.random.default_rng(0), encoder)
    torch.manual_seed(5)
    loss, encoded = plain_step(encoder, objective, views, ProcessWorld(), objective.start(encoder), chunk_size=5)
    return float(loss), encoded


def cosines(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    first, second = (one.double() / one.double().norm(dim=1, keepdim=True) for one in (first, second))
    return first @ second.T


@pytest.mark.parametrize("temperature", [0.05, 0.5])
@pytest.mark.parametrize("alpha", [0.25, 1.0, 4.0])
def test_alpha_weighs_an_anchors_own_hard_negative(
    tiny: Callable[..., Encoder], rows: list[list[int]], temperature: float, alpha: float
) -> None:
    """Equation 8: exp(sim(h_i, h_i-) / t) is multiplied by alpha, so log alpha comes on top after the division."""
    objective = SimCSESupervised(temperature=temperature, hard_negative_weight=alpha)
    loss, (anchors, positives, negatives) = run(objective, tiny(), rows)
    among = (cosines(anchors, positives) / temperature).exp()
    hard = (cosines(anchors, negatives) / temperature).exp()
    weights = torch.ones(COUNT, COUNT) + (alpha - 1) * torch.eye(COUNT)
    wanted = -(among.diagonal() / (among.sum(1) + (weights * hard).sum(1))).log().mean()
    assert loss == pytest.approx(float(wanted), abs=ROUNDING)
    plain = info_nce(anchors, positives, temperature=temperature, hard_negatives=negatives)
    assert (loss == pytest.approx(float(plain), abs=ROUNDING)) == (alpha == 1.0)
    assert math.copysign(1, loss - float(plain)) == math.copysign(1, alpha - 1) or alpha == 1.0


def test_pairs_have_no_hard_negatives(tiny: Callable[..., Encoder], rows: list[list[int]]) -> None:
    objective = SimCSESupervised(hard_negatives=False, hard_negative_weight=9.0)
    loss, encoded = run(objective, tiny(), rows)
    assert len(encoded) == 2
    assert loss == pytest.approx(float(info_nce(*encoded, temperature=0.05)), abs=ROUNDING)
    both, encoded = run(SimCSESupervised(hard_negatives=False, anchors="both"), tiny(), rows)
    assert both == pytest.approx(float(nt_xent(*encoded, temperature=0.05)), abs=ROUNDING)
    assert abs(both - loss) > 0.01


def test_the_columns_are_pairs_or_triplets(tiny: Callable[..., Encoder], rows: list[list[int]]) -> None:
    assert SimCSESupervised().columns == ("anchor", "positive", "negative")
    assert SimCSESupervised(hard_negatives=False).columns == ("anchor", "positive")
    batch = {"anchor": rows[:3], "positive": rows[3:6], "negative": rows[6:9]}
    views = SimCSESupervised().inputs(batch, np.random.default_rng(0), tiny())
    assert [view.rows for view in views] == [rows[:3], rows[3:6], rows[6:9]]
    assert all(view.dropout and view.gradient and view.tower == "" for view in views)


@pytest.mark.parity
@pytest.mark.parametrize("hard", [True, False])
def test_it_equals_sentence_transformers(
    tiny: Callable[..., Encoder], rows: list[list[int]], sentences: list[str], tmp_path: Path, hard: bool
) -> None:
    library = pytest.importorskip("sentence_transformers")
    from sentence_transformers.sentence_transformer import losses

    encoder = tiny(dropout=0.0)
    theirs = library.SentenceTransformer(str(save_encoder(encoder, tmp_path / "model")), device="cpu")
    columns = [sentences[i * COUNT : (i + 1) * COUNT] for i in range(3 if hard else 2)]
    ranking = losses.MultipleNegativesRankingLoss(theirs, scale=20.0)
    wanted = float(ranking([theirs.preprocess(column) for column in columns], torch.zeros(COUNT)).detach())
    assert run(SimCSESupervised(hard_negatives=hard), encoder, rows)[0] == pytest.approx(wanted, abs=ROUNDING)


def test_it_has_no_state(tiny: Callable[..., Encoder]) -> None:
    assert not list(SimCSESupervised().start(tiny()).parameters())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"temperature": 0.0}, r"temperature is 0\.0; it must be above 0"),
        ({"hard_negative_weight": 0.0}, r"hard_negative_weight is 0\.0; it must be above 0"),
        ({"hard_negative_weight": -1.0}, "hard_negative_weight is"),
        ({"hard_negative_weight": math.nan}, "hard_negative_weight is nan"),
        ({"hard_negative_weight": math.inf}, "hard_negative_weight is inf"),
    ],
)
def test_settings_that_cannot_be(change: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        SimCSESupervised(**change)
