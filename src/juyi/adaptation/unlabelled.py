"""A run without labels: how the vectors of each candidate lie, and the pairs that are worth labelling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from juyi.adaptation.backbone import Backbone
from juyi.adaptation.portfolio import Treatment
from juyi.assets import EMBEDDED
from juyi.baselines import LexicalOverlap
from juyi.embeddings import unit_rows
from juyi.encoder import EncoderSettings, load_encoder
from juyi.errors import UsageError
from juyi.evaluation import SentencePairs, Signals
from juyi.experiments.identity import rows_digest
from juyi.labelling import RESERVE, LabelSheet, draw_pairs, holds_labels
from juyi.types import Encode, Log

SIGNAL_TEXTS = 500
_OTHERS = ("mini", "mini-base")
_ALIKE = 0.95
_PAIRED_TEXTS = 1_000
_SHEET_TEXTS = 2_000

Candidates = Mapping[str, tuple[Backbone, Treatment]]


def other_encoder(pairs: SentencePairs, encode: Encode) -> tuple[str, NDArray[np.float64]]:
    """The embedded encoder that another one is compared with, and its cosines of the pairs, (pairs,).

    It is `mini`, or `mini-base` where the encoder orders the pairs as `mini` does: then it is `mini` or comes from it, and
    whether one still agrees with where one began is another question.

    Args:
        pairs: Of sentences.
        encode: The encoder that will be changed, as it is.
    """
    for name in _OTHERS:
        others = pairs.cosines(load_encoder(EncoderSettings(model=str(EMBEDDED[name]))).encode)
        agreement = pairs.agreement(encode, others)
        if agreement is None or agreement < _ALIKE:
            break
    return name, others


@dataclass(frozen=True)
class CandidateSignals:
    """What can be said without labels of the candidates.

    Attributes:
        signals: Of those that are encoders alone, without word overlap.
        other: The encoder that agreement was measured with.
        unusable: Candidates whose vectors do not tell the sentences apart.
    """

    signals: dict[str, Signals]
    other: str
    unusable: list[str]


def candidate_signals(candidates: Candidates, sentences: Sequence[str], *, seed: int) -> CandidateSignals:
    """The signals of candidates.

    Args:
        candidates: By name, the encoder as it is first.
        sentences: Distinct.
        seed: Draws the pairs.

    Raises:
        UsageError: The vectors of the encoder as it is do not tell the sentences apart.
    """
    rng = np.random.default_rng(seed)
    pairs = SentencePairs.drawn([sentences[place] for place in rng.permutation(len(sentences))[:_PAIRED_TEXTS]], rng)
    raw = next(iter(candidates.values()))[0]
    other, others = other_encoder(pairs, raw.encode)
    found: dict[str, Signals] = {}
    unusable = []
    for name, (backbone, treatment) in candidates.items():
        plain = replace(treatment, overlap=0.0)
        try:
            signals = backbone.signals(sentences[:SIGNAL_TEXTS], plain)
            agreement = pairs.agreement(partial(backbone.encode, treatment=plain), others)
        except UsageError:
            if not found:
                raise
            unusable.append(name)
            continue
        if plain == treatment:
            found[name] = replace(signals, agreement=agreement)
    return CandidateSignals(found, other, unusable)


def draw_sheet(out: Path, candidates: Candidates, sentences: Sequence[str], identity: str, *, seed: int, log: Log) -> None:
    """Pairs to label, drawn by all that would be compared on them; a sheet that was begun stays as it is.

    Args:
        out: The folder of the sheet.
        candidates: By name.
        sentences: Distinct.
        identity: Of the raw encoder, prompt and all.
        seed: Draws the pairs.
        log: Hears of it.
    """
    origin = rows_digest({"text": list(sentences), "drawn by": [identity, *candidates]})
    sheet = LabelSheet.open(out)
    if (sheet is not None and sheet.origin == origin) or holds_labels(out):
        return
    places = np.random.default_rng(seed).permutation(len(sentences))[:_SHEET_TEXTS]
    sample = [sentences[place] for place in places]
    lexical = LexicalOverlap().matrix(sample).astype(np.float32)
    similarities = []
    for backbone, treatment in candidates.values():
        units = unit_rows(backbone.encode(sample, treatment), "embeddings").astype(np.float32)
        similarities.append((1 - treatment.overlap) * (units @ units.T) + treatment.overlap * lexical)
    LabelSheet.create(out, origin, sample, draw_pairs(similarities, RESERVE + 1, baselines=[lexical], seed=seed), log)
