"""Vectors in fewer bytes: half precision, one byte a number, one bit a number."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from juyi.embedding_files.options import NumberType
from juyi.embeddings import finite_matrix
from juyi.errors import UsageError
from juyi.types import Embeddings

_HIGHEST = 127


def stored_numbers(vectors: Embeddings, number_type: NumberType) -> NDArray[Any]:
    """Vectors as they are stored.

    - `float32`: as they are.
    - `float16`: rounded; half the size.
    - `int8`: each row divided by its largest magnitude, times 127, rounded; a quarter of the size. The direction stays but for
      rounding, the length is lost, and no range has to be learned or stored.
    - `binary`: one bit a number, 1 where it is above 0, eight to a byte, the first in the highest bit (`numpy.packbits`); a
      thirty-second of the size. They are compared by the bits that differ.

    Shapes:
        vectors: (n, dim) float32; result: (n, dim), or (n, ceil(dim / 8)) uint8 of `binary`. Little-endian.

    Raises:
        UsageError: There are NaN or infinity among them, or a number is too large for float16.
    """
    vectors = finite_matrix(vectors, "vectors").astype(np.float32, copy=False)
    match number_type:
        case "float16":
            with np.errstate(over="ignore"):
                halves = vectors.astype("<f2")
            if not np.isfinite(halves).all():
                raise UsageError(
                    f"A vector holds {np.abs(vectors).max():.3g}, and float16 ends at 65,504. Normalise them, or store float32."
                )
            return halves
        case "int8":
            peaks = np.abs(vectors).max(axis=1, keepdims=True, initial=0)
            return np.rint(vectors / np.where(peaks == 0, 1, peaks) * _HIGHEST).astype(np.int8)
        case "binary":
            return np.packbits(vectors > 0, axis=1)
        case _:
            return np.ascontiguousarray(vectors, dtype="<f4")


def stored_width(dim: int, number_type: NumberType) -> int:
    """How many numbers of a row are stored."""
    return -(-dim // 8) if number_type == "binary" else dim
