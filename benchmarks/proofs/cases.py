"""The objectives with their settings, and a batch for each on a tiny encoder."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch
from torch import nn

from juyi.assets import SAMPLES
from juyi.data import read_texts
from juyi.encoder import Encoder, create_encoder, random_head
from juyi.objectives import (
    SBERT,
    ContrastiveTension,
    CoSENT,
    Distillation,
    ESimCSE,
    MaskedLM,
    Matryoshka,
    Objective,
    PairContrastive,
    SimCSESupervised,
    SimCSEUnsupervised,
    Triplet,
    View,
    WithMaskedLM,
    WithMatryoshka,
)
from juyi.objectives.esimcse import MomentumQueue
from juyi.tokenization import SubwordTokenizer, mask_tokens, train_wordpiece

ROWS = 8
WIDTH = 32
CASES: dict[str, Objective] = {
    "simcse-unsupervised, cross-view": SimCSEUnsupervised(),
    "simcse-unsupervised, all-views": SimCSEUnsupervised(negatives="all-views"),
    "simcse-unsupervised, fixed-mask": SimCSEUnsupervised(views="fixed-mask"),
    "simcse-supervised, pairs": SimCSESupervised(hard_negatives=False),
    "simcse-supervised, triplets": SimCSESupervised(hard_negative_weight=2.0),
    "simcse-supervised, anchors both": SimCSESupervised(anchors="both", hard_negative_weight=0.5),
    "esimcse, paper": ESimCSE(queue_size=20),
    "esimcse, released": ESimCSE(queue_size=20, variant="released"),
    "contrastive-tension": ContrastiveTension(),
    "cosent": CoSENT(),
    "sbert, both and difference": SBERT(),
    "sbert, difference": SBERT(features="difference"),
    "triplet, euclidean": Triplet(),
    "triplet, cosine": Triplet(distance="cosine", margin=0.3),
    "pair-contrastive": PairContrastive(),
    "distillation": Distillation(),
    "distillation, neighbours": Distillation(softmax_weight=0.0, neighbours_weight=1.0),
    "masked-lm": MaskedLM(rate=0.3),
    "simcse-unsupervised with masked-lm": WithMaskedLM(SimCSEUnsupervised(), MaskedLM(), 0.1),
    "simcse-unsupervised, matryoshka": WithMatryoshka(SimCSEUnsupervised(), Matryoshka((16, 4), (2.0, 0.5))),
    "esimcse, matryoshka": WithMatryoshka(ESimCSE(queue_size=20), Matryoshka((16, 5))),
    "sbert, matryoshka": WithMatryoshka(SBERT(), Matryoshka((16,))),
}
"""Every objective, in the settings that compute something else."""


@cache
def texts() -> list[str]:
    """Sentences of unequal length, no two alike."""
    found = read_texts(SAMPLES / "questions.tsv", columns=["text"]).texts
    return sorted(dict.fromkeys(found), key=lambda text: (len(text) % 7, text))[: 4 * ROWS]


@cache
def _tokenizer() -> SubwordTokenizer:
    return train_wordpiece(texts(), size=300, min_frequency=1)


def tiny_encoder(*, dropout: float) -> Encoder:
    """Two layers of 32, with a head for training only; the same weights every time."""
    options: dict[str, float] = {"hidden_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
    options |= {"max_position_embeddings": 64, "hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    bare = create_encoder("bert", options, _tokenizer(), max_length=40, seed=1)
    torch.manual_seed(2)
    head = random_head(WIDTH, "linear", training_only=True)
    return Encoder(bare.backbone, bare.tokenizer, pooling="last-avg", heads=(head,), max_length=40)


def state_of(case: str, encoder: Encoder) -> nn.Module:
    """The objective's state as it is in the middle of a run: other weights in the second encoder, a queue that is not empty."""
    torch.manual_seed(3)
    state = CASES[case].start(encoder)
    with torch.no_grad():
        for name, parameter in state.named_parameters():
            if name.startswith(("twin", "momentum")):
                parameter.add_(0.05 * torch.randn_like(parameter))
    if isinstance(state, MomentumQueue):
        state.append(torch.randn(13, WIDTH))
    return state


def columns() -> dict[str, Any]:
    """A batch of every column; what belongs together lies in both halves."""
    rows = _tokenizer().tokenize(texts(), 40)
    parts = [rows[i * ROWS : (i + 1) * ROWS] for i in range(3)]
    numbers = np.random.default_rng(4)
    targets = numbers.normal(size=(ROWS, WIDTH))
    targets[ROWS - 1] = targets[0]  # one meaning twice
    return {
        "text": parts[0],
        "anchor": parts[0],
        "positive": parts[1],
        "negative": parts[2],
        "first": parts[0],
        "second": parts[1],
        "score": [0.0, 5.0, 2.5, 2.5, 1.0, 4.0, 0.0, 3.0],
        "label": [0, 2, 1, 1, 0, 2, 2, 0],
        "group": [0, 1, 2, 0, 1, 3, 4, 0],
        "target": targets,
    }


def views_of(case: str, encoder: Encoder, part: slice = slice(0, ROWS)) -> list[View]:
    """The views of some rows of the batch; what is drawn at random is drawn for the whole of it."""
    objective = CASES[case]
    if isinstance(objective, WithMatryoshka):
        objective = objective.objective
    batch = {name: column[part] for name, column in columns().items()}
    if isinstance(objective, WithMaskedLM):
        main = objective.objective.inputs({"text": batch["text"]}, np.random.default_rng(5), encoder)
        return [*main, _masked(encoder, objective.masked_lm.rate, part)]
    if isinstance(objective, MaskedLM):
        return [_masked(encoder, objective.rate, part)]
    if isinstance(objective, ESimCSE):
        whole = objective.inputs({"text": columns()["text"]}, np.random.default_rng(5), encoder)
        return [View(view.rows[part], view.dropout, tower=view.tower, gradient=view.gradient) for view in whole]
    return objective.inputs({name: batch[name] for name in objective.columns}, np.random.default_rng(5), encoder)


def _masked(encoder: Encoder, rate: float, part: slice) -> View:
    """Few hidden tokens in the first half and many in the second: processes that do not weigh them go wrong."""
    rows, special = columns()["text"], encoder.tokenizer.special
    few = mask_tokens(rows[: ROWS // 2], np.random.default_rng(6), rate=0.05, special=special, size=encoder.tokenizer.size)
    many = mask_tokens(rows[ROWS // 2 :], np.random.default_rng(7), rate=rate, special=special, size=encoder.tokenizer.size)
    positions = [*few.positions, *many.positions]
    labels = [np.asarray(row)[places] for row, places in zip(rows, positions, strict=True)]
    return View([*few.rows, *many.rows][part], positions=positions[part], labels=np.concatenate(labels[part]))
