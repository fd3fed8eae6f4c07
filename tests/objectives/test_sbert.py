from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from juyi.encoder import Encoder, random_head, save_encoder
from juyi.errors import TrainingError, UsageError
from juyi.objectives import SBERT
from juyi.training import ProcessWorld, TrainingSettings, fit, plain_step

COUNT = 8
LABELS = [0, 2, 1, 1, 0, 2, 2, 0]
FEATURES: Any = ["both-and-difference", "difference"]


def run(objective: SBERT, encoder: Encoder, rows: list[list[int]], labels: Sequence[Any], state: torch.nn.Module) -> float:
    batch = {"first": rows[:COUNT], "second": rows[COUNT : 2 * COUNT], "label": labels}
    views = objective.inputs(batch, np.random.default_rng(0), encoder)
    torch.manual_seed(5)
    return float(plain_step(encoder, objective, views, ProcessWorld(), state, chunk_size=5)[0])


@pytest.mark.parametrize(("features", "parts"), [("both-and-difference", 3), ("difference", 1)])
@pytest.mark.parametrize("classes", [2, 5])
def test_the_classifier_sees_the_vectors_of_training(
    tiny: Callable[..., Encoder], features: Any, parts: int, classes: int
) -> None:
    objective = SBERT(features=features, classes=classes)
    classifier: Any = objective.start(tiny())
    assert classifier.weight.shape == (classes, parts * 32) and classifier.bias.shape == (classes,)
    head = random_head(32, "tanh", training_only=True)
    narrow = torch.nn.Linear(32, 12)
    head.linear = narrow
    headed = tiny(heads=(head,))
    assert headed.dim == 32
    assert objective.start(headed).weight.shape == (classes, parts * 12)


@pytest.mark.parametrize("features", FEATURES)
def test_classifier_and_encoder_learn_and_the_classifier_is_thrown_away(
    tiny: Callable[..., Encoder], rows: list[list[int]], tmp_path: Path, features: Any
) -> None:
    encoder, objective = tiny(dropout=0.0), SBERT(features=features)
    before = set(encoder.state_dict())
    classifier = objective.start(encoder)
    first = run(objective, encoder, rows, LABELS, classifier)
    reached = [each.grad for each in (*classifier.parameters(), encoder.backbone.get_input_embeddings().weight)]
    assert all(each is not None and each.any() for each in reached)
    given = {"first": rows[:COUNT], "second": rows[COUNT : 2 * COUNT], "label": LABELS}
    settings = TrainingSettings(batch_size=COUNT, steps=30, learning_rate=1e-2, schedule="constant", log_every=1)
    losses: list[float] = []
    fit(
        encoder,
        objective,
        given,
        settings,
        folder=tmp_path,
        device="cpu",
        progress=lambda step, steps, report: losses.append(float(report["loss"])),
    )
    assert losses[-1] < 0.3 and first > 0.5
    assert set(encoder.state_dict()) == before


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([0, 1, 3], r"\[0, 1, 3\].*from 0 to 2"),
        ([-1, 0, 0], r"\[-1, 0\]"),
        ([0.5, 1.0, 2.0], "whole numbers"),
        (["no", "yes"], "whole numbers"),
    ],
)
def test_labels_out_of_range_are_refused(tiny: Callable[..., Encoder], rows: list[list[int]], labels: Any, words: str) -> None:
    batch = {"first": rows[:3], "second": rows[3:6], "label": labels}
    with pytest.raises(TrainingError, match=words):
        SBERT().inputs(batch, np.random.default_rng(0), tiny())


def test_the_highest_label_is_in_range(tiny: Callable[..., Encoder], rows: list[list[int]]) -> None:
    batch = {"first": rows[:3], "second": rows[3:6], "label": [0, 3, 3]}
    views = SBERT(classes=4).inputs(batch, np.random.default_rng(0), tiny())
    assert [view.rows for view in views] == [rows[:3], rows[3:6]]
    assert views[0].labels is not None and views[0].labels.tolist() == [0, 3, 3] and views[1].labels is None


@pytest.mark.parametrize("classes", [1, 0, -2])
def test_there_are_two_classes_at_least(classes: int) -> None:
    with pytest.raises(UsageError, match=rf"classes is {classes}; .* at least 2"):
        SBERT(classes=classes)


@pytest.mark.parity
@pytest.mark.parametrize("features", FEATURES)
def test_it_equals_sentence_transformers(
    tiny: Callable[..., Encoder], rows: list[list[int]], sentences: list[str], tmp_path: Path, features: Any
) -> None:
    library = pytest.importorskip("sentence_transformers")
    from sentence_transformers.sentence_transformer import losses

    encoder, objective = tiny(dropout=0.0), SBERT(features=features)
    theirs = library.SentenceTransformer(str(save_encoder(encoder, tmp_path / "model")), device="cpu")
    classifier = losses.SoftmaxLoss(theirs, 32, 3, concatenation_sent_rep=features != "difference")
    ours = objective.start(encoder)
    ours.load_state_dict(classifier.classifier.state_dict())
    columns = [theirs.preprocess(column) for column in (sentences[:COUNT], sentences[COUNT : 2 * COUNT])]
    wanted = float(classifier(columns, torch.tensor(LABELS)).detach())
    assert run(objective, encoder, rows, LABELS, ours) == pytest.approx(wanted, abs=2e-6)
