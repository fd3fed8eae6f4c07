"""The study of the main job: what it gives away and what it keeps back share no text."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import adapt_study
from juyi.adaptation import Evidence, IntentEvidence, PairEvidence, QuestionEvidence
from juyi.baselines import LexicalOverlap
from juyi.data import LabelledTexts, ScoredPairs, normalise
from juyi.tasks.retrieval import retrieval_from_groups


def questions() -> QuestionEvidence:
    rows = [(str(i), f"问题{i}之{n}") for i in range(40) for n in range(3)]
    labelled = LabelledTexts([label for label, _ in rows], [text for _, text in rows])
    return QuestionEvidence("groups", retrieval_from_groups("groups", "given", labelled))


def pairs() -> PairEvidence:
    left, right = [f"左{i - i % 2}" for i in range(60)], [f"右{i}" for i in range(60)]
    return PairEvidence("pairs", ScoredPairs(left, right, np.arange(60.0) % 3 == 0))


def intents() -> IntentEvidence:
    rows = [(f"意图{i % 6}" if i % 10 else "oos", f"问句{i}") for i in range(120)]
    return IntentEvidence("intents", LabelledTexts([label for label, _ in rows], [text for _, text in rows]))


@pytest.mark.parametrize("evidence", [questions(), pairs(), intents()], ids=lambda each: each.name)
def test_what_is_measured_on_was_not_given(evidence: Evidence) -> None:
    given, held = adapt_study.divided(evidence, seed=1)
    assert len(given.rows()) + len(held.rows()) == len(evidence.rows())
    known = {normalise(text) for row in given.rows() for text in row}
    assert known.isdisjoint(normalise(text) for row in held.rows() for text in row)
    found = adapt_study.figure("a set", given, held, LexicalOverlap())
    assert found.score.metric == {"groups": "mrr@10", "pairs": "average-precision", "intents": "accuracy"}[evidence.name]
    if isinstance(held, IntentEvidence):
        assert found.score.count == found.score.units == sum(label != "oos" for label in held.labelled.labels)
        assert found.score.interval is not None


def test_the_table_counts_what_got_worse() -> None:
    record = {
        "set": "a",
        "metric": "mrr@10",
        "model": "mini",
        "seed": 1,
        "labels": 400,
        "units": 90,
        "recommended": "supervised",
        "printed_gain": [2.0, 1.0, 3.0],
        "raw": 50.0,
        "after": 48.0,
        "gain": [-2.0, -3.0, -1.0],
    }
    kept = record | {"set": "b", "recommended": "raw", "printed_gain": None, "after": 50.0, "gain": [0.0, 0.0, 0.0]}
    lines = adapt_study.study([record, kept]).splitlines()
    assert (
        lines[2] == "| a (mrr@10) | mini | 1 | 400 in 90 | supervised | +2.0 (+1.0 – +3.0) | 50.0 | 48.0 | -2.0 (-3.0 – -1.0) |"
    )
    assert lines[3].endswith("| raw | – | 50.0 | 50.0 | 0 |")
    assert lines[-1] == "Mean held-out gain -1.0 over 2 runs; certainly below raw in 1 of 2 runs."
    assert "below raw never" in adapt_study.study([kept])
