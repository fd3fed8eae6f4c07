"""What a run without labels looks at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from juyi.adaptation.backbone import Backbone
from juyi.adaptation.portfolio import AS_IT_IS, Treatment
from juyi.adaptation.unlabelled import candidate_signals, other_encoder
from juyi.assets import EMBEDDED
from juyi.encoder import EncoderSettings, load_encoder
from juyi.errors import UsageError
from juyi.evaluation import SentencePairs
from juyi.types import Embeddings


class Collapsed(Backbone):
    """Every sentence has the same vector."""

    def encode(self, texts: Sequence[str], treatment: Treatment = AS_IT_IS) -> Embeddings:
        return np.ones((len(texts), 4), np.float32)


def backbone(name: str, texts: Sequence[str], kind: type[Backbone] = Backbone) -> Backbone:
    return kind(load_encoder(EncoderSettings(model=str(EMBEDDED[name]))).eval(), texts)


@pytest.mark.parametrize(("name", "other"), [("mini", "mini-base"), ("mini-base", "mini")])
def test_an_encoder_is_not_compared_with_itself(sentences: list[str], name: str, other: str) -> None:
    pairs = SentencePairs.drawn(sentences, np.random.default_rng(0))
    assert other_encoder(pairs, backbone(name, sentences).encode)[0] == other


def test_candidates_are_measured_against_the_other_encoder(sentences: list[str]) -> None:
    raw = backbone("mini-base", sentences)
    candidates = {
        "raw": (raw, AS_IT_IS),
        "raw + overlap": (raw, Treatment(overlap=0.2)),
        "centred": (raw, Treatment(whitening=0.0)),
    }
    found = candidate_signals(candidates, sentences, seed=1)
    assert found.other == "mini" and not found.unusable
    assert [*found.signals] == ["raw", "centred"]  # an encoder alone has no word overlap
    assert found.signals["raw"].uniformity == raw.signals(sentences).uniformity
    agreements = [each.agreement for each in found.signals.values()]
    assert None not in agreements and len(set(agreements)) == 2
    itself = candidate_signals({**candidates, "mini": (backbone("mini", sentences), AS_IT_IS)}, sentences, seed=1)
    assert itself.signals["mini"].agreement == pytest.approx(1, abs=1e-3)


def test_a_candidate_that_collapsed_is_left_out_with_all_that_is_made_of_it(sentences: list[str]) -> None:
    raw, lost = backbone("mini", sentences), backbone("mini", sentences, Collapsed)
    candidates = {"raw": (raw, AS_IT_IS), "lost": (lost, AS_IT_IS), "lost + overlap": (lost, Treatment(overlap=0.5))}
    found = candidate_signals(candidates, sentences, seed=1)
    assert [*found.signals] == ["raw"] and found.unusable == ["lost", "lost + overlap"]
    with pytest.raises(UsageError):
        candidate_signals({"raw": (lost, AS_IT_IS)}, sentences, seed=1)
