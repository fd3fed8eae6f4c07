"""The main job as a whole, on a tiny encoder: what is tried, decided, written and taken up again."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from juyi.adaptation import Adaptation, AdaptOptions, PairEvidence, QuestionEvidence, adapt
from juyi.adaptation.backbone import Backbone
from juyi.adaptation.portfolio import AS_IT_IS, Treatment
from juyi.adaptation.training import Pace, folder_name
from juyi.calibration import read_calibrations
from juyi.data import LabelledTexts, ScoredPairs
from juyi.encoder import Encoder, EncoderSettings, dropout_views, load_encoder
from juyi.engines import open_engine
from juyi.errors import DataError, UsageError
from juyi.experiments import runner
from juyi.hub import folder_digest
from juyi.similarity_settings import read_similarity_settings
from juyi.tasks import Cosine, Similarity
from juyi.tasks.retrieval import retrieval_from_groups

PORTFOLIO = """
name = "small"
[[encoder]]
name = "raw"
treatments = [{ overlap = 0.5 }, { whitening = 0.5 }]
[[encoder]]
name = "supervised"
[encoder.training]
rate_narrow = 1e-3
fewest_steps = 2
most_rows = 16
[[encoder]]
name = "simcse"
[encoder.training]
objective = { kind = "simcse-unsupervised" }
fewest_steps = 2
most_rows = 16
"""


@pytest.fixture
def portfolio(tmp_path: Path) -> str:
    path = tmp_path / "small.toml"
    path.write_text(PORTFOLIO, encoding="utf-8")
    return str(path)


@pytest.fixture
def model(with_graph: Path) -> str:
    return str(with_graph)


def grouped(sentences: list[str]) -> QuestionEvidence:
    """Questions whose paraphrases share most letters, so that word overlap finds what random weights do not."""
    rows = [
        (str(i), text) for i, sentence in enumerate(sentences[:30]) for text in (sentence, f"请问{sentence}", f"{sentence}呢")
    ]
    labelled = LabelledTexts([group for group, _ in rows], [text for _, text in rows])
    return QuestionEvidence("groups", retrieval_from_groups("groups", "held-out", labelled))


def done(sentences: list[str], out: Path, model: str, portfolio: str, *evidence: object, **options: object) -> Adaptation:
    chosen = AdaptOptions(EncoderSettings(model=model), portfolio, **options)  # type: ignore[arg-type]
    return adapt([*sentences, *sentences[:20]], out, evidence, chosen)  # type: ignore[arg-type]


def test_it_decides_and_writes_what_it_recommends(sentences: list[str], model: str, portfolio: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = done(sentences, out, model, portfolio, grouped(sentences), queries=(sentences[0],))
    assert result.recommended != "raw" and result.choice is not None and result.choice.certain
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert report["recommended"] == result.recommended and report["gain"]["interval"][0] > 0
    (table,) = report["evidence"]
    candidates = ["raw", "raw + overlap 0.5", "raw + whitened 0.5", "supervised", "simcse"]
    assert list(table["scores"]) == ["word overlap", *candidates]
    assert {record["metric"] for record in table["scores"]["raw"]} >= {"mrr@10", "recall@1"}
    assert {each.candidate for each in result.searches} == {"raw", result.recommended}
    # The folder is ready: a graph for the engine without torch, the same vectors, how texts are compared, a card.
    folder = out / "model"
    assert open_engine(str(folder), "onnx").encode(sentences).shape == (len(sentences), 32)
    assert read_similarity_settings(folder).overlap == (0.5 if "overlap" in result.recommended else 0)
    calibration = read_calibrations(folder)["hit"]
    assert calibration == result.calibrations[result.recommended][0]
    for found in result.searches:
        (worth,) = result.calibrations[found.candidate]
        assert found.probability == pytest.approx(float(worth.probability(found.hits[0][1])))
        assert found.refused == (found.probability < 0.5)
    assert [search["hits"][0]["rank"] for search in report["searches"]] == [1, 1]
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert result.verdict in card and "juyi similar" in card
    page = (out / "report.html").read_text(encoding="utf-8")
    assert f"{result.recommended} *" in page and page.count("<circle") >= 2 * len(sentences)
    shown = len(report["map"]["texts"])
    assert {name: len(places) for name, places in report["map"]["places"].items()} == {"raw": shown, result.recommended: shown}
    assert not (out / "runs" / "folds").exists() and not (out / "candidates").exists()


def test_the_others_are_kept_on_request(sentences: list[str], model: str, portfolio: str, tmp_path: Path) -> None:
    result = done(sentences, tmp_path / "out", model, portfolio, grouped(sentences), keep_candidates=True)
    kept = {path.name: path for path in (tmp_path / "out" / "candidates").iterdir()}
    assert len(kept) == 2 and folder_name(result.recommended) not in kept
    for path in kept.values():
        assert load_encoder(path).encode(sentences).shape == (len(sentences), 32)
    assert folder_name("supervised, firm + whitened 0.5") == "supervised-firm-whitened-0.5"


def test_equal_candidates_keep_raw_and_say_how_many_labels_would_tell(
    sentences: list[str], model: str, portfolio: str, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    noise = PairEvidence("pairs", ScoredPairs(sentences[:50], sentences[::-1][:50], rng.integers(0, 6, 50).astype(float)))
    result = done(sentences, tmp_path / "out", model, portfolio, noise)
    assert result.recommended == "raw" and "Keep the raw encoder" in result.verdict
    before, after = load_encoder(model), load_encoder(tmp_path / "out" / "model")
    np.testing.assert_allclose(after.encode(sentences), before.encode(sentences), atol=2e-3)  # stored in half precision


def test_without_labels_nothing_is_claimed_and_labels_are_never_overwritten(
    sentences: list[str], model: str, portfolio: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    result = done(sentences, out, model, portfolio)
    assert result.recommended == "raw" and result.choice is None and "nothing is claimed" in result.verdict
    assert [*result.signals] == ["raw", "raw + whitened 0.5", "simcse"]
    assert result.other_encoder == "mini" and all(signals.agreement is not None for signals in result.signals.values())
    assert json.loads((out / "report.json").read_text("utf-8"))["signals"]["raw"]["agreement"] == result.signals["raw"].agreement
    assert result.sheet is not None and result.sheet.is_file()
    first = result.sheet.read_bytes()
    done(sentences, out, model, portfolio)
    assert result.sheet.read_bytes() == first
    filled = first.decode("utf-8-sig").replace(",\r\n", ",5\r\n", 3).encode()
    result.sheet.write_bytes(filled)
    done(sentences[:-5], out, model, portfolio)
    assert result.sheet.read_bytes() == filled


def test_what_was_measured_is_taken_up(noted, sentences: list[str], model: str, portfolio: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    evidence = grouped(sentences)
    first = done(sentences, out, model, portfolio, evidence)
    digest = folder_digest(out / "model")
    with noted(runner.fit) as calls:
        again = done(sentences, out, model, portfolio, evidence)
    assert not calls["fit"]
    assert again.as_dict() == first.as_dict() and folder_digest(out / "model") == digest
    with noted(runner.fit) as calls:  # other labels: what learned from them, and nothing else
        done(sentences, out, model, portfolio, evidence.subset(range(40)))
    assert len(calls["fit"]) in (4, 5, 6)  # four folds, maybe the final encoder and, with its texts, what learns from sentences


def test_each_text_goes_once_through_the_raw_encoder(
    noted, sentences: list[str], model: str, portfolio: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Pace(texts_per_second=1000.0, step_seconds=0.01, map_step_seconds=0.001)  # measuring it encodes too
    monkeypatch.setattr(sys.modules["juyi.adaptation.adapt"], "measured_pace", lambda encoder, texts: known)
    with noted(Encoder.encode) as calls:
        done(sentences, tmp_path / "out", model, portfolio, grouped(sentences))
    backbones: dict[int, list[str]] = {}
    for call in calls["encode"]:
        backbones.setdefault(id(call["self"].backbone), []).extend(call["texts"])
    raw = next(iter(backbones.values()))
    assert len(raw) == len(set(raw))


def test_dropout_views_are_drawn_once_for_all_treatments(noted, sentences: list[str], model: str) -> None:
    encoder = load_encoder(model)
    backbone, treatments = Backbone(encoder, sentences), (AS_IT_IS, Treatment(whitening=0.5))
    with noted(dropout_views) as calls:
        found = [backbone.views(sentences[:9], treatment) for treatment in treatments for _ in range(2)]
    assert len(calls["dropout_views"]) == 1
    alone = [Backbone(encoder, sentences).views(sentences[:9], treatment) for treatment in treatments]
    for (first, second), (own_first, own_second) in zip(found[::2], alone, strict=True):
        np.testing.assert_array_equal(first, own_first)
        np.testing.assert_array_equal(second, own_second)


def test_a_candidate_that_comes_to_nothing_is_left_out_with_its_reason(
    sentences: list[str], model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "own.toml"
    path.write_text(PORTFOLIO.replace("rate_narrow = 1e-3", "rate_narrow = 1e30"), encoding="utf-8")
    similarity = Backbone.similarity

    def collapsed(backbone: Backbone, treatment: Treatment = AS_IT_IS) -> Similarity:
        return (
            Cosine(lambda texts: np.ones((len(texts), 4), np.float32)) if treatment.overlap else similarity(backbone, treatment)
        )

    monkeypatch.setattr(Backbone, "similarity", collapsed)
    result = done(sentences, tmp_path / "out", model, str(path), grouped(sentences))
    notes = " ".join(result.notes)
    assert "supervised came to nothing" in notes and "raw + overlap 0.5 could not be measured" in notes
    assert set(result.tables[0].figures) == {"word overlap", "raw", "raw + whitened 0.5", "simcse"}
    labels = {name: figures[0].score.labels for name, figures in result.tables[0].figures.items()}
    assert labels["raw"] == () and labels["simcse"] == labels["raw + whitened 0.5"] == ("transductive",)


def test_what_a_training_warns_of_is_a_note(sentences: list[str], stand_in: Callable[..., Path], tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    collapsing = PORTFOLIO[PORTFOLIO.index('[[encoder]]\nname = "simcse"') :].replace(
        "fewest_steps", "rate_narrow = 0.5\nfewest_steps"
    )
    path.write_text(f"name = 'own'\n[[encoder]]\nname = 'raw'\n{collapsing}", encoding="utf-8")
    result = done(sentences, tmp_path / "out", str(stand_in("bert")), str(path), grouped(sentences))
    assert [note for note in result.notes if note.startswith("simcse: The vectors have collapsed")]


LINEAR = """
name = "linear"
[[encoder]]
name = "raw"
[[encoder]]
name = "linear"
[encoder.linear]
fewest_steps = 5
[[encoder]]
name = "linear, then all"
[encoder.linear]
fewest_steps = 5
[encoder.training]
rate_narrow = 1e-12
fewest_steps = 2
most_rows = 16
"""


def test_a_linear_map_learns_the_labels_and_training_goes_on_from_it(sentences: list[str], model: str, tmp_path: Path) -> None:
    path = tmp_path / "linear.toml"
    path.write_text(LINEAR, encoding="utf-8")
    out = tmp_path / "out"
    result = done(sentences, out, model, str(path), grouped(sentences), keep_candidates=True)
    (table,) = result.tables
    raw, linear, trained = (table.figures[name][0].score.value for name in ("raw", "linear", "linear, then all"))
    assert linear > raw
    assert trained == pytest.approx(linear, abs=0.5)  # a training that moves nothing leaves the map
    folders = {
        name: out / ("model" if name == result.recommended else f"candidates/{folder_name(name)}") for name in table.figures
    }
    before, mapped, after = (load_encoder(folders[name]).encode(sentences) for name in ("raw", "linear", "linear, then all"))
    np.testing.assert_allclose(after, mapped, atol=5e-3)
    assert np.abs(mapped - before / np.linalg.norm(before, axis=1, keepdims=True)).max() > 0.02
    again = done(sentences, out, model, str(path), grouped(sentences))
    assert again.as_dict()["evidence"] == result.as_dict()["evidence"]


def test_vectors_of_a_mapped_encoder_are_those_of_the_saved_one(sentences: list[str], model: str) -> None:
    encoder = load_encoder(model)
    raw = Backbone(encoder, sentences)
    matrix = np.random.default_rng(0).normal(size=(encoder.dim, encoder.dim)).astype(np.float32)
    mapped = raw.mapped(matrix)
    for treatment in (AS_IT_IS, Treatment(whitening=0.5)):
        np.testing.assert_allclose(mapped.encode(sentences, treatment), mapped.treated(treatment).encode(sentences), atol=1e-5)


def test_labels_alone_are_enough(sentences: list[str], model: str, portfolio: str, tmp_path: Path) -> None:
    options = AdaptOptions(EncoderSettings(model=model), portfolio, minutes=1e-6)
    result = adapt([], tmp_path / "out", [grouped(sentences)], options)
    assert result.inspection["rows"] == 90 and result.choice is not None


def test_what_the_time_does_not_allow_is_said(sentences: list[str], model: str, portfolio: str, tmp_path: Path) -> None:
    result = done(sentences, tmp_path / "out", model, portfolio, grouped(sentences), minutes=1e-6)
    assert "Not tried for want of time: supervised; simcse." in " ".join(result.notes)
    (table,) = result.tables
    assert set(table.figures) == {"word overlap", "raw", "raw + overlap 0.5", "raw + whitened 0.5"}


def test_what_cannot_work_is_refused_before_the_work(sentences: list[str], model: str, portfolio: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="20 distinct sentences are too few"):
        adapt(sentences[:20], tmp_path / "out", (), AdaptOptions(EncoderSettings(model=model), portfolio))
    with pytest.raises(UsageError, match="minutes is 0"):
        AdaptOptions(minutes=0)
    with pytest.raises(UsageError, match="There is no portfolio"):
        adapt(sentences, tmp_path / "out", (), AdaptOptions(portfolio="defaut"))
    (tmp_path / "taken" / "model").mkdir(parents=True)
    (tmp_path / "taken" / "model" / "mine.txt").touch()
    with pytest.raises(UsageError, match="other content"):
        adapt(sentences, tmp_path / "taken", (), AdaptOptions(portfolio=portfolio))
