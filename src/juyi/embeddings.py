"""Embeddings as every floor handles them: texts that are texts, one row for each, finite, at unit length. numpy only."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from juyi.errors import NonFiniteError, UsageError
from juyi.types import Embeddings, Encode

_BLOCK_ROWS = 1024


def check_texts(texts: Iterable[str], name: str = "texts") -> list[str]:
    """The texts as a list, each checked to be a string; no texts are an empty list.

    Whatever encodes calls this before anything else: a bare string would be encoded character by character, a cell that was
    empty in a table (None, NaN) as the word "nan", and both would look like results.

    Args:
        texts: What is to be encoded.
        name: What the caller calls it; errors use it.

    Raises:
        UsageError: It is one string, or no collection, or something in it is no string, or holds half of a surrogate pair.
    """
    if isinstance(texts, str | bytes):
        raise UsageError(f"{name} is one string, and each of its characters would be a text. Put it into a list: [text].")
    if not isinstance(texts, Iterable):
        raise UsageError(f"{name} is {_named(texts)}; a list of strings is needed.")
    checked = list(texts)
    for place, text in enumerate(checked):
        if not isinstance(text, str):
            raise UsageError(
                f"{name} has {_named(text)} at place {place} (counted from 0) of {len(checked)}; every text must be a string. "
                "Drop this row, or put in what belongs there; an empty text is the string ''."
            )
    try:
        "".join(checked).encode()
    except UnicodeEncodeError:
        place = next(i for i, text in enumerate(checked) if any("\ud800" <= character <= "\udfff" for character in text))
        raise UsageError(
            f"{name} has {checked[place][:40]!r} at place {place} (counted from 0) of {len(checked)}: it has half of a surrogate "
            "pair, which no encoding of text can write. It comes from bytes that are not UTF-8, or from half of an emoji: repair "
            "it where it was read, or drop it."
        ) from None
    return checked


def _named(value: object) -> str:
    """A value that should have been a text, for people."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return str(value)
    return f"{str(value)[:40]!r} of the type {type(value).__name__}"


def encoded(encode: Encode, texts: Sequence[str]) -> Embeddings:
    """The embeddings of the texts, checked to be one row a text.

    Raises:
        UsageError: The encoder gave something else.
    """
    embeddings = np.asarray(encode(texts))
    if embeddings.ndim != 2 or len(embeddings) != len(texts):
        raise UsageError(
            f"The encoder gave an array of the shape {embeddings.shape} for {len(texts)} texts; ({len(texts)}, dim) is needed, "
            "one row a text in their order. Look at the function that was passed as the encoder."
        )
    return embeddings.astype(np.float32, copy=False)


def check_finite(embeddings: Embeddings, texts: Sequence[str]) -> Embeddings:
    """What an encoder gave for the texts, as it is, where every number in it is finite.

    Shapes:
        embeddings and result: (n, dim)

    Raises:
        NonFiniteError: NaN or infinity is in it.
    """
    finite = np.isfinite(embeddings).all(axis=1)
    if not finite.all():
        raise NonFiniteError([texts[i] for i in np.flatnonzero(~finite).tolist()], len(texts))
    return embeddings


def finite_matrix(values: ArrayLike, name: str) -> NDArray[np.floating]:
    """The values as a matrix without NaN or infinity: float64 stays, everything else becomes float32.

    Args:
        values: (n, dim) embeddings, one row a text.
        name: What the caller calls them; errors use it.

    Raises:
        UsageError: They are not numbers, not two-dimensional or not finite.
    """
    matrix: NDArray[Any] = finite_numbers(values, name)
    if matrix.ndim != 2:
        raise UsageError(f"{name} has the shape {matrix.shape}; embeddings have the shape (texts, dim). Pass one row a text.")
    return matrix if matrix.dtype in (np.float32, np.float64) else matrix.astype(np.float32)


def unit_rows(values: ArrayLike, name: str) -> NDArray[np.floating]:
    """The rows divided by their length, in the precision of `finite_matrix`.

    Raises:
        UsageError: As `finite_matrix`, and where a row is zero: it has no direction.
    """
    matrix = finite_matrix(values, name)
    return _divided(matrix, row_peaks(matrix, name))


def unit_rows_or_zero(rows: NDArray[np.floating]) -> NDArray[np.floating]:
    """As `unit_rows`, unchecked, and a row of zeros stays one: what an encoder gives goes on as it is, for others to judge.

    Shapes:
        rows and result: (n, dim), of one type.
    """
    peaks = np.max(np.abs(rows), axis=1, keepdims=True, initial=0)
    return _divided(rows, np.where(peaks == 0, np.ones_like(peaks), peaks))


def _divided(rows: NDArray[np.floating], peaks: NDArray[np.floating]) -> NDArray[np.floating]:
    scaled: NDArray[np.floating] = rows / peaks
    # sum() adds up every row in the same order: equal rows stay equal, in whatever batch they come.
    lengths = np.sqrt((scaled * scaled).sum(axis=1, keepdims=True))
    scaled /= np.where(lengths == 0, np.ones_like(lengths), lengths)
    return scaled


def row_peaks(matrix: NDArray[np.floating], name: str) -> NDArray[np.floating]:
    """The largest magnitude of each row; divided by it, no square of a row over- or underflows.

    Shapes:
        matrix: (n, dim)
        returns: (n, 1)

    Raises:
        UsageError: A row is zero: it has no direction.
    """
    peaks: NDArray[np.floating] = np.max(np.abs(matrix), axis=1, keepdims=True, initial=0)
    zero = np.flatnonzero(peaks[:, 0] == 0)
    if zero.size:
        raise UsageError(
            f"{name} has {zero.size} rows of zeros out of {len(matrix)}, the first is row {zero[0]}. "
            "A zero vector has no direction and no cosine. Look at the text of that row and drop it, or encode it again."
        )
    return peaks


def cosine_rows(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    """The cosine of each row of one matrix with the same row of the other, in float64.

    Equal rows give exactly 1 and opposite rows exactly -1, so that pairs of identical sentences are ties in a ranking and not
    ordered by rounding. Half and single precision are widened first for the same reason.

    Shapes:
        first: (n, dim)
        second: (n, dim)
        returns: (n,)

    Raises:
        UsageError: Different shapes, NaN or infinity, a row of zeros.
    """
    left, right = row_pairs(first, second)
    left_peaks, right_peaks = row_peaks(left, "first"), row_peaks(right, "second")
    cosines = np.empty(len(left))
    for start in range(0, len(left), _BLOCK_ROWS):
        block = slice(start, start + _BLOCK_ROWS)
        x, y = (rows[block].astype(np.float64) / peaks[block] for rows, peaks in ((left, left_peaks), (right, right_peaks)))
        # One division by the root of the product, not two by the lengths: then x = y gives exactly 1.
        cosines[block] = (x * y).sum(axis=1) / np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    return np.clip(cosines, -1.0, 1.0)


def row_pairs(first: ArrayLike, second: ArrayLike) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Both matrices, checked to be finite and of one shape.

    Raises:
        UsageError: They are not.
    """
    left, right = finite_matrix(first, "first"), finite_matrix(second, "second")
    if left.shape != right.shape:
        raise UsageError(
            f"first has the shape {left.shape} and second {right.shape}; row i of one belongs to row i of the other, "
            "so the shapes must be equal. Encode both sides with the same encoder."
        )
    return left, right


def finite_numbers(values: ArrayLike, name: str) -> NDArray[np.number]:
    """The values as an array of finite real numbers, of any shape.

    Raises:
        UsageError: They are not.
    """
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise UsageError(f"{name} is not an array: {error}. Pass rows of equal length.") from error
    if array.dtype.kind not in "biuf":
        raise UsageError(f"{name} holds values of the type {array.dtype}; real numbers are needed. Convert them first.")
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        place = ", ".join(str(i) for i in bad[0])
        raise UsageError(
            f"{name} has {len(bad)} values that are NaN or infinite out of {array.size}, the first at position {place}. "
            "Every value must be finite; nothing is dropped or taken for zero. Find out where it comes from and remove it."
        )
    return array
