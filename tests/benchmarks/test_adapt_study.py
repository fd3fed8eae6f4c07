"""The study of the main job: what it gives away and what it keeps back share no text."""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree

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


def record(name: str = "bq-groups", seed: int = 1, given: int = 4000, **changed: object) -> dict[str, object]:
    return {
        "set": name,
        "metric": "mrr@10",
        "model": "mini",
        "seed": seed,
        "given": given,
        "labels": given,
        "units": 90,
        "recommended": "supervised",
        "printed_gain": [2.0, 1.0, 3.0],
        "raw": 50.0,
        "after": 48.0,
        "gain": [-2.0, -3.0, -1.0],
    } | changed


def kept(name: str = "smp2019", model: str = "mini") -> dict[str, object]:
    return record(name, model=model, recommended="raw", printed_gain=None, after=50.0, gain=[0.0, 0.0, 0.0])


def test_the_table_counts_what_got_worse() -> None:
    lines = adapt_study.study([record(), kept(), record(seed=2, after=53.0, gain=[3.0, 2.0, 4.0])]).splitlines()
    assert lines[0] == "**mini**, seeds 1, 2:"
    assert lines[4] == (
        "| bq-groups (mrr@10) | 4,000 in 90<br>4,000 in 90 | supervised<br>supervised | +2.0 (+1.0 – +3.0)<br>+2.0 (+1.0 – +3.0) "
        "| 50.0 → 48.0<br>50.0 → 53.0 | -2.0 (-3.0 – -1.0)<br>+3.0 (+2.0 – +4.0) |"
    )
    assert lines[5].endswith("| raw | – | 50.0 → 50.0 | 0 |")
    assert lines[-1] == "Mean held-out gain +0.3 over 3 runs; certainly below raw in 1 of 3 runs."
    assert "below raw never" in adapt_study.study([kept()])


def test_tables_and_picture_go_into_the_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    (tmp_path / "results").mkdir()
    page.write_text("<!-- adapt-study -->\n<!-- end -->\n<!-- label-curve -->\n<!-- end -->\n", encoding="utf-8")
    records = [record(), record(given=50, gain=[1.0, -1.0, 2.0]), kept(), record("banking77", seed=3), kept(model="other")]
    adapt_study.write(records, page)
    text = page.read_text(encoding="utf-8")
    assert text.count("bq-groups") == 2 and "**other**" in text
    assert "50 in 90<br>4,000 in 90" in text.split("label-curve")[1]
    picture = ElementTree.parse(tmp_path / "results" / "label_curve.svg").getroot()
    assert len(picture.findall(".//{*}polyline")) == 1
    assert len(picture.findall(".//{*}circle")) == 2
