"""The study of signals that need no labels: what it computes of an encoder, and what it says of signals whose worth is known."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import label_free_study
import label_free_tables
from juyi.adaptation import QuestionEvidence
from juyi.data import LabelledTexts
from juyi.tasks.retrieval import retrieval_from_groups

SETS, MODELS, WAYS = ("甲", "乙", "丙", "丁"), ("small", "large"), 24


def records() -> list[dict[str, Any]]:
    """A signal that follows the gain, one that goes against it, one that has nothing to do with it."""
    rng, found = np.random.default_rng(0), []
    for name in SETS:
        for model in MODELS:
            gains = np.concatenate([[0.0], rng.normal(scale=5, size=WAYS)])
            level = rng.normal(scale=100)  # encoders differ, and that is not what is asked
            for way, gain in enumerate(gains):
                signals = {"follows": level + gain + rng.normal(), "against": level - gain**3, "nothing": rng.normal()}
                found.append(
                    {
                        "set": name,
                        "model": model,
                        "way": f"way {way}" if way else "raw",
                        "gain": [gain, gain - 1, gain + 1],
                        "signals": signals,
                    }
                )
    return found


def cells(table: str) -> dict[str, list[str]]:
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    return {line[0]: line[1:] for line in lines}


def first_number(cell: str) -> float:
    return float(cell.split(maxsplit=1)[0].rstrip("%"))


def test_signals_are_worth_what_they_are_worth() -> None:
    groups = label_free_tables.groups_of(records())
    assert len(groups) == len(SETS) * len(MODELS)
    rows = cells(label_free_tables.signals_table(groups))
    assert first_number(rows["follows"][0]) > 0.9 and first_number(rows["against"][0]) < -0.9
    assert abs(first_number(rows["nothing"][0])) < 0.3
    best = first_number(rows["none: the labels themselves"][2])
    for name in ("follows", "against", label_free_tables.TOGETHER):
        assert first_number(rows[name][1]) > 90 and first_number(rows[name][2]) > best - 2
        assert rows[name][3] == "0 of 8"
    assert first_number(rows["nothing"][2]) < best - 5
    assert best == pytest.approx(np.mean([max(0.0, group.gains[:, 0].max()) for group in groups]), abs=0.06)


def test_what_was_learned_on_a_set_does_not_judge_it() -> None:
    groups = label_free_tables.groups_of(records())
    held, others = groups[0], [group for group in groups if group.set != groups[0].set]
    turned = label_free_tables.oriented(held, others, "against")
    assert turned is not None
    np.testing.assert_array_equal(turned, -held.changes["against"])
    assert label_free_tables.oriented(held, others, "unknown") is None


def test_certain_changes_are_told_apart_as_a_roc_says() -> None:
    rng = np.random.default_rng(1)
    gains = rng.normal(scale=3, size=200)
    judged = np.round(gains + rng.normal(scale=3, size=200))
    certain = np.abs(gains) > 1
    found = label_free_tables.told_apart(judged, np.stack([gains, gains - 1, gains + 1], axis=1))
    assert found == pytest.approx(roc_auc_score(gains[certain] > 0, judged[certain]))
    assert label_free_tables.told_apart(judged, np.stack([gains, gains - 99, gains + 99], axis=1)) is None


def test_the_loss_of_two_views_is_the_cross_entropy() -> None:
    rng = np.random.default_rng(2)
    first, second = (rng.normal(size=(20, 6)).astype(np.float32) for _ in range(2))
    left, right = (torch.nn.functional.normalize(torch.from_numpy(each).double(), dim=1) for each in (first, second))
    wanted = torch.nn.functional.cross_entropy(left @ right.T / label_free_study.TEMPERATURE, torch.arange(20))
    assert label_free_study.contrastive_loss(first, second) == pytest.approx(float(wanted), rel=1e-5)


def test_twins_are_found_where_they_are_nearest() -> None:
    vectors = np.eye(5, 8, dtype=np.float32)
    twins = vectors[[0, 1, 3]].copy()  # the third twin is where the fourth sentence is
    found = label_free_study.twin_signals(twins, vectors)
    spread = np.array([1.0] * 3 + [0.0] * 12).std()
    assert found["twin found"] == pytest.approx(2 / 3)
    assert found["twin margin"] == pytest.approx((1 + 1 - 1) / 3 / spread, rel=1e-5)


def test_one_set_alone_judges_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "one.jsonl"
    first = records()[0]["set"]
    path.write_text("".join(json.dumps(record) + "\n" for record in records() if record["set"] == first), encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["label_free_study.py", "--read", str(path), "--write", str(tmp_path / "page.md")])
    with pytest.raises(SystemExit):
        label_free_study.main()
    assert "fewer than two sets" in capsys.readouterr().err


def test_an_encoder_is_changed_in_every_way_and_measured_on_other_texts(
    sentences: list[str], build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(label_free_study, "RATES", (1e-3,))
    monkeypatch.setattr(label_free_study, "LENGTHS", (1, 2))
    rows = [(str(i), text) for i, sentence in enumerate(sentences) for text in (sentence, f"请问{sentence}", f"{sentence}吗")]
    labelled = LabelledTexts([label for label, _ in rows], [text for _, text in rows])
    evidence = QuestionEvidence("groups", retrieval_from_groups("groups", "given", labelled))
    folder = str(build("bert"))
    arguments = Namespace(model=folder, other=folder, random=False, steps=2, seed=1)
    found = [*label_free_study.measured("a set", evidence, arguments)]
    ways = [record["way"] for record in found]
    assert len(set(ways)) == len(ways) == 9 and ways[:3] == ["raw", "whitening 0.5", "whitening 1"]
    raw = found[0]
    assert raw["gain"] == [0.0, 0.0, 0.0] and raw["signals"]["agreement with the encoder before"] == pytest.approx(1)
    assert raw["signals"]["agreement with another encoder"] == pytest.approx(1)
    assert all(record["signals"].keys() == raw["signals"].keys() for record in found)
    assert len({record["signals"]["uniformity"] for record in found}) == len(found)
    assert all(np.isfinite([*record["signals"].values()]).all() for record in found)
