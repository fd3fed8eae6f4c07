"""What every index does. A new backend is one line in `FACTORIES`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from juyi.errors import DataError, UsageError
from juyi.index import ExactIndex, Index, open_index
from juyi.types import Hits

Factory = Callable[[int], Index]

FACTORIES: list[Factory] = [ExactIndex]
DIM = 12


@pytest.fixture(params=FACTORIES, ids=lambda factory: factory.__name__)
def make(request: pytest.FixtureRequest) -> Factory:
    factory: Factory = request.param
    return factory


def vectors(n: int, seed: int = 0, dim: int = DIM) -> NDArray[Any]:
    """Of very different lengths; no two of them in nearly the same direction."""
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(n, dim)) * rng.uniform(0.1, 50, size=(n, 1))).astype(np.float32)


def filled(make: Factory, n: int, seed: int = 0) -> tuple[Index, NDArray[np.int64], NDArray[Any]]:
    ids, rows = np.random.default_rng(seed + 100).permutation(10 * n)[:n], vectors(n, seed)
    index = make(DIM)
    index.add(ids, rows)
    return index, ids, rows


def cosines(queries: NDArray[Any], rows: NDArray[Any]) -> NDArray[np.float64]:
    left, right = (x.astype(float) / np.linalg.norm(x.astype(float), axis=1, keepdims=True) for x in (queries, rows))
    found: NDArray[np.float64] = left @ right.T
    return found


def same(one: Hits, other: Hits) -> None:
    np.testing.assert_array_equal(one.ids, other.ids)
    np.testing.assert_allclose(one.scores, other.scores, atol=1e-5)


def test_it_is_an_index(make: Factory) -> None:
    index, _, _ = filled(make, 5)
    assert isinstance(index, Index)
    assert (len(index), index.dim) == (5, DIM)


def test_a_vector_finds_itself_and_scores_are_cosines(make: Factory) -> None:
    index, ids, rows = filled(make, 200)
    hits = index.search(rows, 5)
    assert (hits.ids.dtype, hits.scores.dtype, hits.ids.shape, hits.scores.shape) == (np.int64, np.float32, (200, 5), (200, 5))
    place = {int(number): row for row, number in enumerate(ids)}
    wanted = cosines(rows, rows)
    found_first = hits.ids[:, 0] == ids
    assert found_first.mean() > 0.95
    for row in range(200):
        known = [place[i] for i in hits.ids[row].tolist()]
        np.testing.assert_allclose(hits.scores[row], wanted[row, known], atol=1e-4)
    assert (np.diff(hits.scores, axis=1) <= 1e-6).all()  # best first


def test_most_of_the_nearest_are_found(make: Factory) -> None:
    index, ids, rows = filled(make, 300)
    queries = vectors(50, seed=1)
    best = ids[np.argsort(-cosines(queries, rows), axis=1)[:, :10]]
    hits = index.search(queries, 10)
    recall = np.mean([len({*found} & {*wanted}) / 10 for found, wanted in zip(hits.ids.tolist(), best.tolist(), strict=True)])
    assert recall > 0.9


def test_missing_hits_are_padded(make: Factory) -> None:
    index = make(2)
    index.add([7, 3], [[1, 0], [0, 1]])
    hits = index.search([[1.0, 0.1]], 4)
    assert hits.ids.tolist() == [[7, 3, -1, -1]]
    assert hits.scores[0, 2:].tolist() == [-np.inf, -np.inf]


def test_an_empty_index_finds_nothing_and_no_query_finds_no_rows(make: Factory) -> None:
    hits = make(DIM).search(vectors(2), 3)
    assert hits.ids.tolist() == [[-1] * 3] * 2
    assert np.isneginf(hits.scores).all()
    assert filled(make, 5)[0].search(np.empty((0, DIM)), 3).ids.shape == (0, 3)


def test_what_is_deleted_is_not_found_and_may_come_again(make: Factory) -> None:
    index, ids, rows = filled(make, 60)
    gone = ids[::3]
    index.delete(gone)
    assert len(index) == 40
    assert not set(gone.tolist()) & set(index.search(rows, 40).ids.flatten().tolist())
    index.add(gone, rows[::3])
    assert len(index) == 60
    assert (index.search(rows[::3], 1).ids[:, 0] == gone).mean() > 0.9


def test_an_error_changes_nothing(make: Factory) -> None:
    index, ids, rows = filled(make, 20)
    before = index.search(rows, 20)
    fresh = vectors(2, seed=9)
    zero, broken = fresh.copy(), fresh.copy()
    zero[1] = 0
    broken[0, 3] = np.nan
    for new_ids, new_rows, words in [
        ([900, int(ids[0])], fresh, f"1 of the ids to add are in the index already, {ids[0]} for example"),
        ([900, 900], fresh, "id 900 occurs more than once"),
        ([900, -1], fresh, "from 0 to"),
        ([900, 901.5], fresh, "whole numbers"),
        (["a", "b"], fresh, "whole numbers"),
        ([[900, 901]], fresh, r"ids have the shape \(1, 2\)"),
        ([900], fresh, "1 ids for 2 vectors"),
        ([900, 901], zero, "vectors has 1 rows of zeros out of 2, the first is row 1"),
        ([900, 901], broken, "vectors has 1 values that are NaN"),
        ([900, 901], vectors(2, dim=5), "vectors have 5 components, the vectors of this index have 12"),
        ([900], fresh[0], r"shape \(12,\)"),
    ]:
        with pytest.raises(UsageError, match=words):
            index.add(new_ids, new_rows)
    with pytest.raises(UsageError, match=r"1 of the ids to delete are not in the index, 905 for example"):
        index.delete([int(ids[0]), 905])
    assert len(index) == 20
    same(index.search(rows, 20), before)
    index.add([900, 901], fresh)
    assert len(index) == 22


@pytest.mark.parametrize(
    ("queries", "k", "words"),
    [
        (vectors(1), 0, "k is 0"),
        (vectors(1, dim=5), 1, "queries have 5 components"),
        (np.zeros((1, DIM)), 1, "queries has 1 rows of zeros"),
        (np.full((1, DIM), np.inf), 1, "queries has 12 values"),
        (vectors(1)[0], 1, "shape"),
    ],
)
def test_impossible_searches_are_refused(make: Factory, queries: NDArray[Any], k: int, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        filled(make, 3)[0].search(queries, k)


def test_inputs_stay_as_they_are(make: Factory) -> None:
    index, _, rows = filled(make, 5)
    before = rows.copy()
    index.search(rows, 2)
    index.add([1000], rows[:1])
    np.testing.assert_array_equal(rows, before)


def test_adding_and_deleting_nothing_changes_nothing(make: Factory) -> None:
    index, _, _ = filled(make, 5)
    index.add([], np.empty((0, DIM)))
    index.delete([])
    assert len(index) == 5


@pytest.mark.parametrize("count", [0, 30])
def test_a_saved_index_is_opened_as_what_it_is(make: Factory, tmp_path: Path, count: int) -> None:
    index, ids, rows = filled(make, count) if count else (make(DIM), np.empty(0, dtype=np.int64), vectors(3))
    index.delete(ids[:3])
    index.save(tmp_path / "deep" / "index")
    loaded = open_index(tmp_path / "deep" / "index")
    assert type(loaded) is type(index)
    assert (len(loaded), loaded.dim) == (max(0, count - 3), DIM)
    same(loaded.search(rows, 5), index.search(rows, 5))
    loaded.add([6000], vectors(1))
    assert len(loaded) == len(index) + 1
    loaded.save(tmp_path / "deep" / "index")
    assert len(open_index(tmp_path / "deep" / "index")) == len(loaded)


def test_saving_replaces_an_index_and_nothing_else(make: Factory, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="other content"):
        make(DIM).save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "holds no index"),
        ("{", "cannot be read as JSON"),
        ("[]", "describes the format ''; juyi-exact-index"),
        (json.dumps({"format": "annoy", "version": 1}), "describes the format 'annoy'; juyi-exact-index"),
    ],
)
def test_a_folder_of_another_kind_is_told(tmp_path: Path, content: str | None, words: str) -> None:
    if content is not None:
        (tmp_path / "index.json").write_text(content)
    with pytest.raises(DataError, match=words) as error:
        open_index(tmp_path)
    assert error.value.path == tmp_path / "index.json"
