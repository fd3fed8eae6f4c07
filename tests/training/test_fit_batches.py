"""What a run says of its batches and views, keeps apart, and passes on to other programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from juyi.encoder import Encoder
from juyi.errors import TrainingError
from juyi.objectives import CoSENT, MaskedLM, SimCSEUnsupervised
from juyi.training import TrainingSettings, fit

TokenRows = list[list[int]]


def settings(**changes: Any) -> TrainingSettings:
    return TrainingSettings(**({"batch_size": 8, "steps": 8, "log_every": 1, "learning_rate": 1e-3} | changes))


def log_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]


class Watched(SimCSEUnsupervised):
    """SimCSE that remembers which rows came together."""

    def inputs(self, batch: Mapping[str, Sequence[Any]], rng: Any, encoder: Encoder) -> list[Any]:
        batches.append([row[1] for row in batch["text"]])
        return super().inputs(batch, rng, encoder)


batches: list[list[int]] = []


@pytest.fixture(autouse=True)
def _forget() -> None:
    batches.clear()


@pytest.fixture
def numbered() -> TokenRows:
    """Rows of which each token but the special ones is the row's number."""
    return [[2, 10 + i, 10 + i, 3] for i in range(60)]


def test_the_first_step_says_what_is_left_out_and_that_the_views_differ(
    tiny: Callable[..., Encoder], rows: TokenRows, tmp_path: Path
) -> None:
    fit(tiny(), SimCSEUnsupervised(), {"text": rows}, settings(), folder=tmp_path, device="cpu")
    first, *others = log_of(tmp_path)
    assert "60 rows in 7 batches of 8 an epoch; the last 4 rows of each epoch are left out (training.drop_last)." in first["note"]
    assert "The two dropout views of a sentence differ: mean cosine" in first["note"]
    assert 0 < first["view_cosine"] < 1 and first["smallest_distance"] > 0
    assert not any("note" in record for record in others)
    assert all({"alignment", "uniformity", "effective_rank", "view_cosine"} <= record.keys() for record in others)


def test_the_first_step_says_that_views_do_not_differ(tiny: Callable[..., Encoder], rows: TokenRows, tmp_path: Path) -> None:
    for name, objective, words in (
        ("fixed", SimCSEUnsupervised(views="fixed-mask"), "one pass with one dropout mask is used for both"),
        ("none", SimCSEUnsupervised(views="no-dropout"), "one pass without dropout is used for both"),
        ("off", SimCSEUnsupervised(), "identical (mean distance 0): dropout makes no difference"),
    ):
        encoder = tiny(dropout=0.0 if name == "off" else 0.1)
        fit(encoder, objective, {"text": rows}, settings(steps=1), folder=tmp_path / name, device="cpu")
        assert words in log_of(tmp_path / name)[0]["note"]
    fit(tiny(), MaskedLM(), {"text": rows}, settings(steps=1), folder=tmp_path / "lm", device="cpu")
    assert "views" not in log_of(tmp_path / "lm")[0]["note"]


def test_rows_that_share_a_key_never_come_together(tiny: Callable[..., Encoder], numbered: TokenRows, tmp_path: Path) -> None:
    keys = np.arange(60)[:, None] // 6  # groups of six
    rows = {"text": numbered, "keys": keys}
    for distinct in (True, False):
        batches.clear()
        folder = tmp_path / str(distinct)
        fit(tiny(), Watched(), rows, settings(steps=14, distinct_batches=distinct), folder=folder, device="cpu")
        groups = [[(number - 10) // 6 for number in batch] for batch in batches]
        assert all(len(set(batch)) == 8 for batch in groups) == distinct
        assert ("no two rows of a batch with the same text or group" in log_of(folder)[0]["note"]) == distinct


def test_keys_belong_to_the_rows_that_are_not_held_out(tiny: Callable[..., Encoder], numbered: TokenRows, tmp_path: Path) -> None:
    rows = {"text": numbered, "keys": np.arange(60)[:, None] // 6}
    fit(tiny(), Watched(), rows, settings(steps=6, distinct_batches=True, held_out=7), folder=tmp_path, device="cpu")
    trained = [batch for batch in batches if len(batch) == 8]
    assert all(len({(number - 10) // 6 for number in batch}) == 8 for batch in trained)


@pytest.mark.parametrize("mixing", ["joined", "proportional", "round-robin"])
def test_batches_of_one_file_each(tiny: Callable[..., Encoder], numbered: TokenRows, tmp_path: Path, mixing: Any) -> None:
    rows = {"text": numbered, "source": [0] * 40 + [1] * 20}
    fit(tiny(), Watched(), rows, settings(steps=7, mixing=mixing), folder=tmp_path, device="cpu")
    files = [{int(number >= 50) for number in batch} for batch in batches]
    if mixing == "joined":
        assert any(len(found) == 2 for found in files)
        return
    numbers = [found.pop() for found in files if len(found) == 1]
    assert len(numbers) == 7
    assert sorted(numbers) == [0] * 5 + [1] * 2 if mixing == "proportional" else numbers[:4] == [0, 1, 0, 1]


@pytest.mark.parametrize(("change", "column"), [({"distinct_batches": True}, "keys"), ({"mixing": "proportional"}, "source")])
def test_a_column_that_is_not_there_is_asked_for(
    tiny: Callable[..., Encoder], rows: TokenRows, tmp_path: Path, change: dict[str, Any], column: str
) -> None:
    with pytest.raises(TrainingError, match=f"needs a column '{column}'"):
        fit(tiny(), SimCSEUnsupervised(), {"text": rows}, settings(**change), folder=tmp_path, device="cpu")


def test_repeated_rows_are_diagnosed_where_they_are_negatives(
    tiny: Callable[..., Encoder], rows: TokenRows, tmp_path: Path
) -> None:
    again = rows[:4] * 15
    fitted = fit(tiny(), SimCSEUnsupervised(), {"text": again}, settings(), folder=tmp_path / "a", device="cpu")
    assert any("equal sentences are pushed apart" in warning for warning in fitted.warnings)
    assert len(fitted.warnings) == len({warning[-40:] for warning in fitted.warnings})
    pairs = {"first": again, "second": rows, "score": np.arange(60.0)}
    fitted = fit(tiny(), CoSENT(), pairs, settings(), folder=tmp_path / "b", device="cpu")
    assert not any("pushed apart" in warning for warning in fitted.warnings)


def test_a_run_is_passed_on_to_tensorboard(tiny: Callable[..., Encoder], rows: TokenRows, tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    track = settings(steps=3, track=("tensorboard",))
    fit(tiny(), SimCSEUnsupervised(), {"text": rows}, track, folder=tmp_path, device="cpu")
    (events,) = {path.parent for path in tmp_path.rglob("events.out.tfevents.*") if "loss" in _tags(path, accumulator)}
    found = accumulator.EventAccumulator(str(events))
    found.Reload()
    logged = [(record["step"], pytest.approx(record["loss"], rel=1e-6)) for record in log_of(tmp_path)]
    assert [(event.step, event.value) for event in found.Scalars("loss")] == logged


def _tags(path: Path, accumulator: Any) -> list[str]:
    found = accumulator.EventAccumulator(str(path))
    found.Reload()
    return list(found.Tags()["scalars"])
