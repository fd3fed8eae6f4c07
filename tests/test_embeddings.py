"""Texts that are texts, rows at unit length."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from juyi.embeddings import check_finite, check_texts, unit_rows, unit_rows_or_zero
from juyi.engines import CachedEncode, open_engine
from juyi.errors import NonFiniteError, UsageError
from juyi.index import TextIndex
from juyi.tasks import EncodeOnce
from juyi.types import Embeddings


@pytest.mark.parametrize("texts", [[], ["a"], ("a", ""), np.array(["a", "b"]), {"a": 1, "b": 2}.keys(), (text for text in "ab")])
def test_lists_of_strings_of_every_kind_are_texts(texts: Any) -> None:
    kept = list(texts) if not hasattr(texts, "gi_frame") else ["a", "b"]
    assert check_texts(texts) == kept and isinstance(check_texts(kept), list)


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ("天气", r"it is one string, and each of its characters would be a text\. Put it into a list: \[text\]\."),
        (b"ab", "it is one string"),
        (None, "it is None; a list of strings is needed"),
        (3, "it is '3' of the type int; a list"),
        ([None], "it has None at place 0 .*of 1"),
        (["a", "b", float("nan"), None], "it has nan at place 2 .*of 4; every text must be a string. Drop this row"),
        ([np.float64("nan")], "it has nan at place 0"),
        ([["a", "b"]], "of the type list at place 0"),
        (["a", 1.5], "'1.5' of the type float at place 1"),
        (["a", "b\ud800"], r"it has 'b\\ud800' at place 1 .* half of a surrogate pair"),
        (["\ud83d", "\ude00"], r"'\\ud83d' at place 0"),
        (np.array([1, 2]), "'1' of the type int64 at place 0"),
    ],
)
def test_what_is_no_list_of_strings_names_the_place(texts: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        check_texts(texts, "it")


def lengths(texts: Any) -> Embeddings:
    return np.array([[len(text), 1] for text in texts], dtype=np.float32).reshape(-1, 2)


def kept(texts: Any) -> Embeddings:
    encode = CachedEncode(lengths, "test")  # in the folder that the fixture names
    return encode(texts)


ENCODERS: dict[str, Callable[[Any], Any]] = {
    "onnx": lambda texts: open_engine("mini-base", "onnx").encode(texts),
    "torch": lambda texts: open_engine("mini-base", "torch").encode(texts),
    "once": EncodeOnce(lengths),
    "kept": kept,
}


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("JUYI_CACHE", str(tmp_path))


@pytest.mark.parametrize("name", ENCODERS)
def test_whatever_encodes_takes_an_empty_list_and_refuses_what_is_no_text(name: str) -> None:
    encode = ENCODERS[name]
    assert encode([]).shape == (0, encode(["a"]).shape[1])
    for texts, words in (("a", "one string"), (["a", None], "None at place 1"), ([float("nan")], "nan at place 0")):
        with pytest.raises(UsageError, match=words):
            encode(texts)


def test_an_index_of_texts_refuses_what_is_no_text() -> None:
    index = TextIndex.build(["a", "bb"], lengths)
    for call in (lambda given: TextIndex.build(given, lengths), index.add, index.search, EncodeOnce(lengths).prepare):
        for texts, words in (("a", "one string"), (["a", None], "None at place 1"), ([2], "'2' of the type int at place 0")):
            with pytest.raises(UsageError, match=words):
                call(texts)  # type: ignore[operator]
    assert (index.search([]), index.add([]), len(index)) == ([], [], 2)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_rows_have_length_one_and_those_of_zeros_stay(kind: type) -> None:
    rng = np.random.default_rng(0)
    magnitudes = np.array([1, 1e-30, 1e30, 1e-3, 1, 1e5])[:, None]
    rows = (rng.normal(size=(6, 5)) * magnitudes).astype(kind)
    rows[4] = 0
    before = rows.copy()
    found = unit_rows_or_zero(rows)
    assert found.dtype == kind and (rows == before).all()
    others = [0, 1, 2, 3, 5]
    np.testing.assert_array_equal(found[others], unit_rows(rows[others], "rows"))
    np.testing.assert_allclose(np.linalg.norm(found[others], axis=1), 1, rtol=1e-6)
    assert not found[4].any()
    assert unit_rows_or_zero(np.empty((0, 5), dtype=kind)).shape == (0, 5)
    with pytest.raises(UsageError, match="1 rows of zeros"):
        unit_rows(rows, "rows")


def test_a_row_has_the_same_direction_alone_and_among_others() -> None:
    rows = np.random.default_rng(1).normal(size=(50, 384)).astype(np.float32)
    together = unit_rows_or_zero(rows)
    for place in range(50):
        np.testing.assert_array_equal(unit_rows_or_zero(rows[place : place + 1])[0], together[place])


def test_vectors_that_are_not_finite_name_their_texts() -> None:
    rows = np.ones((6, 2), dtype=np.float32)
    assert check_finite(rows, "abcdef") is rows
    rows[1, 0], rows[2, 1], rows[3, 1], rows[5] = np.nan, np.inf, -np.inf, np.nan
    with pytest.raises(NonFiniteError, match="4 of 6 vectors hold NaN or infinity, those of 'b', 'c', 'd' and others") as error:
        check_finite(rows, "abcdef")
    assert (error.value.texts, error.value.total) == (("b", "c", "d", "f"), 6)
