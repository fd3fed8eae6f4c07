"""The targets of one teacher and of several, against plain loops and numpy's SVD."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from juyi.errors import DataError, UsageError
from juyi.teachers import Teacher, targets, teacher_targets

N = 50
TEXTS = [f"第{i}句" for i in range(N)]
Compute = Callable[..., Any]


def unit(rows: Any) -> Any:
    return np.stack([row / np.sqrt((row**2).sum()) for row in np.asarray(rows, dtype=np.float64)])


def rows(width: int, seed: int, shift: float = 0.5) -> Any:
    return unit(np.random.default_rng(seed).normal(size=(N, width)) + shift).astype(np.float16)


VECTORS = {"a": rows(6, 1), "b": rows(10, 2), "wide": rows(40, 3), "same": np.tile(rows(6, 4)[:1], (N, 1))}
VECTORS["odd"] = np.eye(2, dtype=np.float16)[[int(i == 30) for i in range(N)]]  # one is orthogonal to all others
A, B = (VECTORS[name].astype(np.float64) for name in "ab")


@pytest.fixture(params=[7, 100])
def compute(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Compute:
    """Targets of given vectors; in one go, and some rows at a time."""

    def given(teacher: Teacher, texts: Sequence[str], cache: Path, **_: Any) -> Any:
        assert list(texts) == TEXTS
        return VECTORS[teacher.model]

    monkeypatch.setattr(targets, "teacher_vectors", given)
    monkeypatch.setattr(targets, "_ROWS", request.param)

    def run(*teachers: Teacher, width: int = 100, **more: Any) -> Any:
        found = teacher_targets(teachers, TEXTS, Path("nowhere"), width=width, **more)
        assert found.dtype == np.float16 and len(found) == N
        return found

    return run


@pytest.mark.parametrize("name", ["a", "wide"])
def test_one_teacher_is_left_as_it_is(compute: Compute, name: str) -> None:
    np.testing.assert_array_equal(compute(Teacher(name, weight=3.0), width=6), VECTORS[name])


def test_one_centred_teacher(compute: Compute) -> None:
    found = compute(Teacher("a", centring=1.0), width=3)
    np.testing.assert_allclose(found, unit(A - A.sum(axis=0) / N), atol=6e-4)
    assert np.abs(found.astype(np.float64).mean(axis=0)).max() < 0.1 < np.abs(A.mean(axis=0)).max()


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_a_part_of_the_mean_is_taken_off(compute: Compute, share: float) -> None:
    found = compute(Teacher("a", centring=share), width=3)
    np.testing.assert_allclose(found, unit(A - share * A.sum(axis=0) / N), atol=6e-4)


def test_the_cosine_of_joined_targets_is_the_weighted_mean_of_cosines(compute: Compute) -> None:
    found = compute(Teacher("a", weight=3.0), Teacher("b"), width=16).astype(np.float64)
    assert found.shape == (N, 16)
    wanted = [[0.75 * float(A[i] @ A[j]) + 0.25 * float(B[i] @ B[j]) for j in range(N)] for i in range(N)]
    np.testing.assert_allclose(found @ found.T, wanted, atol=2e-3)


def test_only_those_are_centred_that_say_so(compute: Compute) -> None:
    found = compute(Teacher("a"), Teacher("b", centring=1.0)).astype(np.float64)
    centred = unit(B - B.mean(axis=0))
    np.testing.assert_allclose(found @ found.T, (A @ A.T + centred @ centred.T) / 2, atol=2e-3)


@pytest.mark.parametrize("width", [1, 5, 15])
def test_a_reduction_is_the_best_of_its_width(compute: Compute, width: int) -> None:
    said: list[str] = []
    found = compute(Teacher("a", weight=2.0), Teacher("b"), width=width, log=said.append)
    assert found.shape == (N, width)
    joined = np.concatenate([A * np.sqrt(2 / 3), B * np.sqrt(1 / 3)], axis=1)
    _, lengths, axes = np.linalg.svd(joined)
    axes = np.stack([axis * (1 if axis[np.argmax(np.abs(axis))] > 0 else -1) for axis in axes[:width]])
    np.testing.assert_allclose(found, unit(joined @ axes.T), atol=2e-3)
    share = (lengths[:width] ** 2).sum() / (lengths**2).sum()
    assert said[-1].endswith(f"16 wide, are reduced to {width}: {share:.1%} of the second moment is kept")


def test_who_reads_is_said(compute: Compute) -> None:
    said: list[str] = []
    compute(Teacher("a", prompt="query: "), Teacher("b"), log=said.append)
    assert len(said) == 2 and "a (prompt 'query: ') reads 50 sentences" in said[0] and "The teacher b reads" in said[1]


def test_a_target_without_direction(compute: Compute) -> None:
    with pytest.raises(DataError, match=r"target of '第0句' has no direction"):
        compute(Teacher("same", centring=1.0))
    compute(Teacher("same"), Teacher("a"), width=2)
    with pytest.raises(DataError, match=r"target of '第30句' has no direction"):
        compute(Teacher("odd"), Teacher("odd"), width=1)


def test_what_cannot_be(tmp_path: Path) -> None:
    for share in (-0.1, 1.1, float("nan")):
        with pytest.raises(UsageError, match=r"the centring .*from 0, nothing, to 1"):
            Teacher("mini", centring=share)
    with pytest.raises(UsageError, match="no teacher"):
        teacher_targets((), TEXTS, tmp_path, width=3)
    with pytest.raises(UsageError, match="width of the targets is 0"):
        teacher_targets((Teacher("mini"),), TEXTS, tmp_path, width=0)
    with pytest.raises(DataError, match="no text"):
        teacher_targets((Teacher("mini"),), [], tmp_path, width=3)
