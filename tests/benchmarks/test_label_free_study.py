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
from juyi.adaptation import QuestionEvidence, signal_worth
from juyi.adaptation.signal_worth import AGREEMENT
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


RECORDS = Path(__file__).parents[2] / "docs" / "results" / "label_free.jsonl"
PAGE = Path(__file__).parents[2] / "docs" / "label-free.md"


def test_the_page_and_what_adapt_says_are_those_of_the_records(tmp_path: Path) -> None:
    found = [json.loads(line) for line in RECORDS.read_text(encoding="utf-8").splitlines()]
    page, worth = tmp_path / "page.md", tmp_path / "worth.toml"
    page.write_bytes(PAGE.read_bytes())
    label_free_tables.write(found, page)
    label_free_tables.write_worth(found, worth)
    assert page.read_text(encoding="utf-8") == PAGE.read_text(encoding="utf-8")
    assert worth.read_text(encoding="utf-8") == signal_worth.RECORD.read_text(encoding="utf-8")


def test_what_is_written_down_is_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [record | {"signals": record["signals"] | {AGREEMENT: record["signals"]["follows"]}} for record in records()]
    label_free_tables.write_worth(found, tmp_path / "worth.toml")
    monkeypatch.setattr(signal_worth, "RECORD", tmp_path / "worth.toml")
    study = signal_worth.signal_study.__wrapped__()
    assert (study.sets, [*study.encoder], study.ways) == (len(SETS), [*MODELS], len(SETS) * len(MODELS) * WAYS)
    assert study.signal["follows"].tells and not study.signal["nothing"].tells
    follows = study.signal["follows"]
    assert follows.correlation[1] > 0.8 and follows.told_apart[2] <= 100 and follows.worse == 0 and follows.choices == 8
    against = study.signal["against"]
    assert against.gain[1] > 0 and against.told_apart[1] > 50 and not against.tells  # more of it is worse
    assert follows.gain[0] == pytest.approx(study.best, abs=2)
    for each in study.encoder.values():
        assert 0 < each.gain <= each.best


def test_ways_that_were_whitened_can_be_left_out() -> None:
    whitened = [record | {"way": f"{record['way']}, whitening 1", "gain": [9.0, 8.0, 10.0]} for record in records()[1::2]]
    groups = label_free_tables.groups_of([*records(), *whitened])
    for with_them, plain in zip(label_free_tables.trained_alone(groups), label_free_tables.groups_of(records()), strict=True):
        assert with_them.ways == plain.ways
        np.testing.assert_array_equal(with_them.gains, plain.gains)
        np.testing.assert_array_equal(with_them.changes["follows"], plain.changes["follows"])


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
    best = first_number(rows["none: the best way that there was"][2])
    for name in ("follows", "against", label_free_tables.TOGETHER):
        assert first_number(rows[name][1]) > 90 and first_number(rows[name][2]) > best - 2
        assert rows[name][3] == "0 of 8"
    assert first_number(rows["nothing"][2]) < best - 5
    assert best == pytest.approx(np.mean([max(0.0, group.gains[:, 0].max()) for group in groups]), abs=0.06)


def test_a_set_is_judged_by_sets_of_other_sources_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """On one set the signal goes the other way: turned by the others it tells nothing there, and all elsewhere."""
    turned = [
        record | {"signals": {"follows": (-1 if record["set"] == SETS[0] else 1) * record["signals"]["follows"]}}
        for record in records()
    ]
    told = label_free_tables.worth_of(label_free_tables.groups_of(turned), "follows").told
    assert max(told[SETS[0]]) < 0.1 and min(min(told[name]) for name in SETS[1:]) > 0.9
    monkeypatch.setattr(label_free_tables, "SOURCES", {SETS[1]: SETS[0]})  # which shares rows with it
    worth = label_free_tables.worth_of(label_free_tables.groups_of(turned), "follows")
    assert set(worth.told) == set(worth.correlations) == {SETS[0], *SETS[2:]}
    assert len(worth.told[SETS[0]]) == 2 * len(MODELS) and worth.choices == len(SETS) * len(MODELS)


def test_the_best_signal_is_found_on_the_other_sets() -> None:
    groups = label_free_tables.groups_of(records())
    rows = cells(label_free_tables.signals_table(groups))
    assert first_number(rows["the one that chose best on the other sets"][1]) > 90
    found = label_free_tables.by_the_best(groups[0], groups[2:], ["nothing", "against"])
    assert found is not None
    np.testing.assert_array_equal(found, -groups[0].changes["against"])
    assert label_free_tables.by_the_best(groups[0], groups[2:], ["unknown"]) is None


def test_an_encoder_that_was_measured_here_and_there_stands_apart() -> None:
    part = [record | {"model": "English"} for record in records() if record["model"] == "small" and record["set"] in SETS[:3]]
    groups = label_free_tables.groups_of([*records(), *part])
    assert {group.model for group in label_free_tables.on_all_sources(groups)} == set(MODELS)
    assert [*cells(label_free_tables.encoders_table(groups))] == [*MODELS, "English"]


def test_a_signal_is_turned_as_on_the_other_sets() -> None:
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
    arguments = Namespace(model=folder, random=False, steps=2, seed=1)
    found = [*label_free_study.measured("a set", evidence, arguments)]
    ways = [record["way"] for record in found]
    assert len(set(ways)) == len(ways) == 11
    assert ways[:5] == ["raw", "whitening 0", "whitening 0.1", "whitening 0.5", "whitening 1"]
    raw = found[0]
    assert raw["gain"] == [0.0, 0.0, 0.0] and raw["signals"]["agreement with the encoder before"] == pytest.approx(1)
    assert raw["other"] == "mini" and raw["signals"]["agreement with another encoder"] < 0.95
    assert all(record["signals"].keys() == raw["signals"].keys() for record in found)
    assert len({record["signals"]["uniformity"] for record in found}) == len(found)
    assert all(np.isfinite([*record["signals"].values()]).all() for record in found)
