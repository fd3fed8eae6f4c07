"""Four-bit weights."""

from __future__ import annotations

import struct

import numpy as np

from juyi.teachers.q4 import dequantise


def test_it_is_what_a_loop_over_bytes_gives() -> None:
    rng = np.random.default_rng(0)
    data = b"".join(
        struct.pack("<e", scale) + rng.integers(0, 256, 16).astype(np.uint8).tobytes() for scale in (0.5, -0.0123, 6e-8, 60000)
    )
    wanted = []
    for start in range(0, len(data), 18):
        (scale,) = struct.unpack_from("<e", data, start)
        packed = data[start + 2 : start + 18]
        wanted += [(byte % 16 - 8) * scale for byte in packed] + [(byte // 16 - 8) * scale for byte in packed]
    found = dequantise(np.frombuffer(data, dtype=np.uint8))
    assert found.dtype == np.float32 and found.shape == (128,)
    np.testing.assert_array_equal(found, np.array(wanted, dtype=np.float32))


def test_no_block_is_no_number() -> None:
    assert dequantise(np.zeros(0, dtype=np.uint8)).shape == (0,)
