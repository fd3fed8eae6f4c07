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
from juyi.objectives import Triplet
from juyi.training import ProcessWorld, plain_step

COUNT = 8
DISTANCES: Any = ["euclidean", "cosine"]
Rows = list[list[int]]


def run(objective: Triplet, encoder: Encoder, anchors: Rows, positives: Rows, negatives: Rows) -> float:
    batch = {"anchor": anchors, "positive": positives, "negative": negatives}
    views = objective.inputs(batch, np.random.default_rng(0), encoder)
    assert [view.rows for view in views] == [anchors, positives, negatives]
    torch.manual_seed(5)
    return float(plain_step(encoder, objective, views, ProcessWorld(), objective.start(encoder), chunk_size=5)[0])


@pytest.mark.parametrize("distance", DISTANCES)
def test_equal_sentences_cost_the_margin_and_have_a_finite_gradient(
    tiny: Callable[..., Encoder], rows: list[list[int]], distance: Any
) -> None:
    encoder, same = tiny(dropout=0.0), rows[:COUNT]
    assert run(Triplet(margin=0.7, distance=distance), encoder, same, same, same) == pytest.approx(0.7, abs=1e-6)
    gradients = [parameter.grad for parameter in encoder.parameters() if parameter.grad is not None]
    assert gradients and all(gradient.isfinite().all() for gradient in gradients)


@pytest.mark.parametrize("distance", DISTANCES)
def test_the_margin_is_what_may_be_missing(tiny: Callable[..., Encoder], rows: list[list[int]], distance: Any) -> None:
    """The positive is the anchor itself, so each triplet misses the margin less the distance to its negative, if that is more."""
    encoder, anchors, negatives = tiny(dropout=0.0), rows[:COUNT], rows[COUNT : 2 * COUNT]
    with torch.no_grad():
        ours, others = encoder.embed(anchors).double(), encoder.embed(negatives).double()
    apart = (ours - others).norm(dim=1) if distance == "euclidean" else 1 - torch.nn.functional.cosine_similarity(ours, others)
    for margin in (float(apart.min()) / 2, float(apart.median()), 2 * float(apart.max())):
        found = run(Triplet(margin=margin, distance=distance), encoder, anchors, anchors, negatives)
        assert found == pytest.approx(float((margin - apart).clamp(min=0).mean()), abs=2e-6)
    assert run(Triplet(margin=float(apart.min()) / 2, distance=distance), encoder, anchors, anchors, negatives) == 0.0


@pytest.mark.parity
@pytest.mark.parametrize("distance", DISTANCES)
def test_it_equals_sentence_transformers(
    tiny: Callable[..., Encoder], rows: list[list[int]], sentences: list[str], tmp_path: Path, distance: Any
) -> None:
    library = pytest.importorskip("sentence_transformers")
    from sentence_transformers.sentence_transformer import losses

    encoder = tiny(dropout=0.0)
    theirs = library.SentenceTransformer(str(save_encoder(encoder, tmp_path / "model")), device="cpu")
    parts = [slice(i * COUNT, (i + 1) * COUNT) for i in range(3)]
    metric = getattr(losses.TripletDistanceMetric, distance.upper())
    for margin in (0.05, 1.0):
        loss = losses.TripletLoss(theirs, distance_metric=metric, triplet_margin=margin)
        wanted = float(loss([theirs.preprocess(sentences[part]) for part in parts], torch.zeros(COUNT)).detach())
        found = run(Triplet(margin=margin, distance=distance), encoder, *(rows[part] for part in parts))
        assert found == pytest.approx(wanted, abs=4e-6) and found > 0


def test_it_has_no_state(tiny: Callable[..., Encoder]) -> None:
    assert not list(Triplet().start(tiny()).parameters())


@pytest.mark.parametrize("margin", [0.0, -1.0, math.nan, math.inf])
def test_the_margin_must_be_above_zero(margin: float) -> None:
    with pytest.raises(UsageError, match=r"margin is .* must be above 0"):
        Triplet(margin=margin)
