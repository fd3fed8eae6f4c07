from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from juyi.embeddings import unit_rows
from juyi.errors import DataError, UsageError
from juyi.index import ExactIndex
from juyi.types import Hits

DIM = 12


def vectors(n: int, seed: int = 0, dim: int = DIM) -> NDArray[Any]:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(n, dim)) * rng.uniform(0.1, 50, size=(n, 1))).astype(np.float32)


def filled(n: int, seed: int = 0, **blocks: int) -> tuple[ExactIndex, NDArray[np.int64], NDArray[Any]]:
    ids = np.random.default_rng(seed + 100).permutation(10 * n)[:n]
    rows = vectors(n, seed)
    index = ExactIndex(DIM, **blocks)
    index.add(ids, rows)
    return index, ids, rows


def slow_search(ids: NDArray[np.int64], rows: NDArray[Any], query: NDArray[Any], k: int) -> list[tuple[float, int]]:
    def cosine(row: NDArray[Any]) -> float:
        x, y = row.astype(float), query.astype(float)
        return float(x @ y / np.sqrt((x @ x) * (y @ y)))

    return sorted(((cosine(row), int(i)) for i, row in zip(ids, rows, strict=True)), key=lambda hit: (-hit[0], hit[1]))[:k]


def same(one: Hits, other: Hits) -> None:
    np.testing.assert_array_equal(one.ids, other.ids)
    np.testing.assert_array_equal(one.scores, other.scores)


BLOCKS = pytest.mark.parametrize(
    "blocks",
    [{}, {"query_block": 3, "row_block": 7}, {"query_block": 1, "row_block": 1}],
    ids=["one block", "small blocks", "blocks of one"],
)


@BLOCKS
@pytest.mark.parametrize("k", [1, 5, 50])
def test_search_equals_the_loop(k: int, blocks: dict[str, int]) -> None:
    index, ids, rows = filled(50, **blocks)
    queries = vectors(10, seed=1)
    hits = index.search(queries, k)
    assert (hits.ids.dtype, hits.scores.dtype, hits.ids.shape, hits.scores.shape) == (np.int64, np.float32, (10, k), (10, k))
    for place, query in enumerate(queries):
        wanted = slow_search(ids, rows, query, k)
        assert hits.ids[place].tolist() == [i for _, i in wanted]
        np.testing.assert_allclose(hits.scores[place], [score for score, _ in wanted], atol=1e-6)


@BLOCKS
def test_equal_vectors_come_by_their_ids(blocks: dict[str, int]) -> None:
    # Forty copies in mixed order among others, more of them than hits asked for.
    rng = np.random.default_rng(0)
    rows = np.vstack([np.repeat(vectors(1, seed=2), 40, axis=0), vectors(40, seed=3)])
    ids = rng.permutation(len(rows))
    order = rng.permutation(len(rows))
    index = ExactIndex(DIM, **blocks)
    index.add(ids[order], rows[order])
    hits = index.search(rows[:1], 25)
    assert hits.ids[0].tolist() == sorted(ids[:40].tolist())[:25]
    assert hits.scores[0] == pytest.approx(1, abs=1e-6)
    assert len(set(hits.scores[0].tolist())) == 1


@BLOCKS
def test_single_precision_does_not_decide_between_close_vectors(blocks: dict[str, int]) -> None:
    # The vectors differ in their last bits only, by less than the rounding of a single-precision product.
    rng = np.random.default_rng(0)
    rows = (rng.normal(size=300) + 5e-7 * rng.normal(size=(200, 300))).astype(np.float32)
    query = rng.normal(size=300).astype(np.float32) + rows[0]
    index = ExactIndex(300, **blocks)
    index.add(np.arange(200), rows)
    unit, asked = (unit_rows(values, "it").astype(np.float64) for values in (rows, query[None]))
    scores = np.float32([math.fsum(row * asked[0]) for row in unit])
    wanted = sorted(range(200), key=lambda i: (-scores[i], i))[:20]
    assert len(set(scores.tolist())) > 3, "the example is too easy"
    assert index.search(query[None], 20).ids[0].tolist() == wanted


def test_hits_do_not_depend_on_the_batch_or_the_order_of_adding() -> None:
    index, ids, rows = filled(500)
    queries = vectors(70, seed=1)
    together = index.search(queries, 9)
    for place in range(len(queries)):
        alone = index.search(queries[place : place + 1], 9)
        same(Hits(together.ids[place : place + 1], together.scores[place : place + 1]), alone)
    other = ExactIndex(DIM)
    for place in np.random.default_rng(5).permutation(500):
        other.add(ids[place : place + 1], rows[place : place + 1])
    same(other.search(queries, 9), together)


def test_scores_are_cosines_whatever_the_length() -> None:
    index = ExactIndex(2)
    index.add([0, 1, 2], np.array([[3e-30, 0], [0, 5e30], [-2, 0]]))
    hits = index.search([[1e20, 0]], 3)
    assert hits.ids.tolist() == [[0, 1, 2]]
    assert hits.scores.tolist() == [[1.0, 0.0, -1.0]]


def test_delete_takes_out_what_it_names() -> None:
    index, ids, rows = filled(60)
    gone = ids[::3]
    index.delete(gone)
    assert len(index) == 40
    rest = ExactIndex(DIM)
    keep = ~np.isin(ids, gone)
    rest.add(ids[keep], rows[keep])
    same(index.search(rows, 45), rest.search(rows, 45))
    index.add(gone, rows[::3])
    same(index.search(rows, 45), filled(60)[0].search(rows, 45))


def test_dim_is_positive() -> None:
    with pytest.raises(UsageError, match="dim is 0"):
        ExactIndex(0)


def test_a_saved_index_is_the_same_index(tmp_path: Path) -> None:
    index, ids, rows = filled(30)
    index.add([5000], vectors(1, seed=4))  # leaves spare room, which is not saved
    index.delete(ids[:3])
    index.save(tmp_path / "deep" / "index")
    loaded = ExactIndex.load(tmp_path / "deep" / "index")
    assert (len(loaded), loaded.dim) == (28, DIM)
    same(loaded.search(rows, 30), index.search(rows, 30))
    with pytest.raises(UsageError, match="already"):
        loaded.add([5000], vectors(1))
    loaded.add([6000], vectors(1))
    assert len(loaded) == 29


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("index.json", None, "holds no juyi-exact-index"),
        ("index.json", b"{", "cannot be read as JSON"),
        ("index.json", b'{"format": "other", "version": 1}', "format 'other'"),
        ("index.json", b"[]", "format None"),
        ("index.json", b'{"format": "juyi-exact-index", "version": 9}', "version 9"),
        ("index.json", b'{"format": "juyi-exact-index", "version": 1, "dim": "12"}', "count, dim"),
        ("vectors.npy", None, "cannot be read as an array"),
        ("vectors.npy", b"\x93NUMPY", "cannot be read as an array"),
        ("ids.npy", np.arange(4), "the manifest beside it says int64"),
        ("ids.npy", np.arange(5.0), "the manifest beside it says int64"),
        ("ids.npy", np.array([1, 2, 3, 4, 4]), "repeated or negative"),
        ("ids.npy", np.array([1, 2, 3, 4, -1]), "repeated or negative"),
        ("vectors.npy", np.full((5, DIM), np.nan, dtype=np.float32), "length 1"),
    ],
)
def test_a_damaged_folder_is_an_error_that_names_the_file(tmp_path: Path, file: str, content: Any, words: str) -> None:
    filled(5)[0].save(tmp_path / "index")
    path = tmp_path / "index" / file
    path.unlink()
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        np.save(path, content)
    with pytest.raises(DataError, match=words) as caught:
        ExactIndex.load(tmp_path / "index")
    assert caught.value.path == path
