from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from juyi.errors import UsageError
from juyi.tasks import EncodeOnce
from juyi.types import Embeddings


class Recording:
    """An encoder that notes what it was asked, and reuses the memory of its result."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.memory = np.zeros((100, 2), dtype=np.float32)

    def __call__(self, texts: Sequence[str]) -> Embeddings:
        self.asked.append(list(texts))
        for place, text in enumerate(texts):
            self.memory[place] = len(text), ord(text[0])
        return self.memory[: len(texts)]


def test_each_distinct_text_is_encoded_once_and_rows_keep_their_order() -> None:
    recording = Recording()
    encode = EncodeOnce(recording)
    np.testing.assert_array_equal(encode(["b", "aa", "b"]), [[1, 98], [2, 97], [1, 98]])
    np.testing.assert_array_equal(encode(["aa", "ccc", "b"]), [[2, 97], [3, 99], [1, 98]])
    np.testing.assert_array_equal(encode(["aa"]), [[2, 97]])
    assert recording.asked == [["b", "aa"], ["ccc"]]
    assert len(encode) == 3


def test_the_memory_cannot_be_changed_through_a_result() -> None:
    encode = EncodeOnce(Recording())
    encode(["b"])[:] = 7
    np.testing.assert_array_equal(encode(["b"]), [[1, 98]])


def test_no_texts_are_the_encoder_s_matter() -> None:
    assert EncodeOnce(Recording())([]).shape == (0, 2)


def test_rows_are_single_precision() -> None:
    assert EncodeOnce(lambda texts: np.ones((len(texts), 2), dtype=np.float16))(["a"]).dtype == np.float32


@pytest.mark.parametrize("shape", [(2,), (1, 2), (3, 2), (2, 1, 1)])
def test_an_encoder_that_gives_other_than_a_row_a_text_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match=r"for 2 texts; \(2, dim\) is needed"):
        EncodeOnce(lambda texts: np.ones(shape, dtype=np.float32))(["a", "b"])


def test_texts_are_prepared_by_length_in_blocks_and_not_encoded_again() -> None:
    recording = Recording()
    encode = EncodeOnce(recording, block_size=2)
    encode(["bb"])
    told: list[tuple[int, int]] = []
    encode.prepare(["ccc", "a", "bb", "ccc", "dddd", "ee", "f"], lambda *progress: told.append(progress))
    assert recording.asked == [["bb"], ["a", "f"], ["ee", "ccc"], ["dddd"]]
    assert told == [(0, 5), (2, 5), (4, 5), (5, 5)]
    np.testing.assert_array_equal(encode(["dddd", "a"]), [[4, 100], [1, 97]])
    encode.prepare(["a", "ccc"])
    assert len(recording.asked) == 4
    assert len(encode) == 6
