"""A teacher's vectors: what they are, and what is kept of them."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from juyi.encoder import Encoder, load_encoder, save_encoder
from juyi.errors import DataError
from juyi.experiments import teacher as module
from juyi.experiments.teacher import teacher_vectors

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))

import tiny_encoders

TEXTS = tiny_encoders.SENTENCES[25:35]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_encoder(tiny_encoders.build("modernbert"), tmp_path_factory.mktemp("teacher") / "model")


class Spy:
    """An encoder that notes what it reads, and breaks off when it has read so often."""

    def __init__(self, encoder: Encoder, last: int = 1000) -> None:
        self.encoder, self.last, self.seen = encoder, last, list[list[str]]()

    def encode(self, texts: Sequence[str]) -> Any:
        if len(self.seen) == self.last:
            raise KeyboardInterrupt
        self.seen.append(list(texts))
        return self.encoder.encode(texts)


def unit(vectors: Any) -> Any:
    return np.stack([row / np.sqrt(sum(float(x) ** 2 for x in row)) for row in np.asarray(vectors, dtype=np.float64)])


@pytest.mark.parametrize(("precision", "atol"), [("float32", 6e-4), ("bfloat16", 0.05)])
@pytest.mark.parametrize("block", [4, 5, 100])
def test_they_are_the_encoders_own_at_unit_length(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precision: str, atol: float, block: int
) -> None:
    monkeypatch.setattr(module, "fast_precision", lambda: precision)
    monkeypatch.setattr(module, "_BLOCK", block)
    heard: list[tuple[int, int]] = []
    vectors = teacher_vectors(str(folder), TEXTS, tmp_path, progress=lambda done, total: heard.append((done, total)))
    assert vectors.dtype == np.float16 and vectors.shape == (10, 32)
    np.testing.assert_allclose(vectors, unit(load_encoder(folder).encode(TEXTS)), atol=atol)
    np.testing.assert_allclose(np.linalg.norm(vectors.astype(np.float64), axis=1), 1.0, atol=2e-3)
    assert heard == {4: [(4, 10), (8, 10), (10, 10)], 5: [(5, 10), (10, 10)], 100: [(10, 10)]}[block]


def test_a_second_call_reads_what_is_kept(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = teacher_vectors(str(folder), TEXTS, tmp_path)

    def never(name: str) -> Encoder:
        raise AssertionError(f"{name} was loaded")

    monkeypatch.setattr(module, "load_encoder", never)
    np.testing.assert_array_equal(teacher_vectors(str(folder), TEXTS, tmp_path), first)
    np.testing.assert_array_equal(teacher_vectors(str(shutil.copytree(folder, tmp_path / "moved")), TEXTS, tmp_path), first)
    for texts in (TEXTS[::-1], TEXTS[:9], ["".join(TEXTS[:2]), *TEXTS[2:]]):  # other texts, or in another order
        with pytest.raises(AssertionError, match="was loaded"):
            teacher_vectors(str(folder), texts, tmp_path)


def test_other_weights_in_the_same_place_are_another_teacher(tmp_path: Path) -> None:
    found = []
    for seed in (1, 2):
        save_encoder(tiny_encoders.build(seed=seed), tmp_path / "model")
        found.append(teacher_vectors(str(tmp_path / "model"), TEXTS, tmp_path / "cache"))
        np.testing.assert_allclose(found[-1], unit(load_encoder(tmp_path / "model").encode(TEXTS)), atol=0.05)
    assert not np.allclose(found[0], found[1], atol=0.1)


@pytest.mark.parametrize("done", [1, 2])
def test_a_stopped_call_is_taken_up_at_the_block_in_hand(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done: int
) -> None:
    monkeypatch.setattr(module, "_BLOCK", 4)
    straight = teacher_vectors(str(folder), TEXTS, tmp_path / "straight")
    spy = Spy(load_encoder(folder), last=done)
    monkeypatch.setattr(module, "load_encoder", lambda name: spy)
    with pytest.raises(KeyboardInterrupt):
        teacher_vectors(str(folder), TEXTS, tmp_path / "stopped")
    (kept,) = (tmp_path / "stopped").iterdir()
    (kept / f"{done:06}.tmp.npy").write_bytes(b"half a block")
    spy.last, spy.seen = 1000, []
    np.testing.assert_array_equal(teacher_vectors(str(folder), TEXTS, tmp_path / "stopped"), straight)
    assert spy.seen == [TEXTS[start : start + 4] for start in range(4 * done, 10, 4)]


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_a_vector_without_direction_is_refused_and_not_kept(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: float
) -> None:
    class Broken(Spy):
        def encode(self, texts: Sequence[str]) -> Any:
            vectors = super().encode(texts)
            vectors[3] = value
            return vectors

    broken = Broken(load_encoder(folder))
    monkeypatch.setattr(module, "load_encoder", lambda name: broken)
    with pytest.raises(DataError, match=f"gives to '{TEXTS[3][:5]}.*no direction"):
        teacher_vectors(str(folder), TEXTS, tmp_path)
    assert list(tmp_path.rglob("*.npy")) == []


def test_an_empty_text_has_a_vector_like_any_other(folder: Path, tmp_path: Path) -> None:
    vectors = teacher_vectors(str(folder), ["", TEXTS[0]], tmp_path)
    np.testing.assert_allclose(np.linalg.norm(vectors.astype(np.float64), axis=1), 1.0, atol=2e-3)


def test_no_text_at_all(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no text"):
        teacher_vectors(str(folder), [], tmp_path)
