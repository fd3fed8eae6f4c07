"""`model.onnx` as juyi writes it, told from the graphs of others. Needs neither torch nor onnx.

Many folders of the hub hold a `model.onnx` that another tool exported: with weights of its own, giving token vectors and no
sentence vector. Ours holds no weights of the backbone and says in its metadata what it was made from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from juyi.layout import read_layout

GRAPH = "model.onnx"
OUTPUT = "sentence_embedding"
OUTSIDE = "given-by-the-engine"
"""What the graph names as the file of its weights, which is none: they come from `model.safetensors`, by name."""

MADE_FROM = "juyi.made_from"
"""Metadata: the digest of what is fixed in the graph, see `made_from`."""
WEIGHTS = "juyi.weights"
"""Metadata: the names of the weights that it wants, one a line."""

_METADATA = 14  # the field of onnx.ModelProto; its entries have a key (1) and a value (2)


def graph_problem(folder: Path) -> str:
    """Why the engine onnx cannot run a model folder, as far as a look into its files tells; empty where it can."""
    if not read_layout(folder).prompts.pooled:
        return "its pooling leaves the tokens of a prompt out, which a graph of ids and mask cannot know"
    path = folder / GRAPH
    if not path.is_file():
        return f"it has no {GRAPH}"
    try:
        properties = read_properties(path)
    except (OSError, ValueError) as error:
        return f"its {GRAPH} is damaged ({error})"
    if MADE_FROM not in properties:
        return f"its {GRAPH} was exported by another tool"
    if properties[MADE_FROM] != made_from(folder):
        return f"its {GRAPH} was made for another pooling, head or configuration than the folder now has; `juyi export` renews it"
    return ""


def made_from(folder: Path, layers: int | None = None) -> str:
    """A digest of what a graph of this folder fixes: pooling, Dense layers and the backbone's configuration.

    The weights of the backbone are not fixed: the engine reads them anew each time.

    Args:
        folder: A model.
        layers: As if the Dense layers ended after so many; None for all.
    """
    layout = read_layout(folder)
    layers_of_it = layout.dense[:layers]
    digest = hashlib.sha256(f"{layout.pooling} {layers_of_it}".encode())
    digest.update(b"".join(dense.path.encode() for dense in layers_of_it if dense.residual))
    files = [folder / layout.backbone / "config.json"]
    for dense in layers_of_it:
        files += [folder / dense.path / name for name in ("model.safetensors", "pytorch_model.bin")]
    for path in files:
        digest.update(path.read_bytes() if path.is_file() else b"")
    return digest.hexdigest()


def read_properties(path: Path) -> dict[str, str]:
    """The metadata of an ONNX file, read from its protocol buffer; of a large graph nothing else is read.

    Raises:
        ValueError: It is no ONNX file, or was cut off.
    """
    properties: dict[str, str] = {}
    with path.open("rb") as file:
        for number, length in _fields(file, path.stat().st_size):
            if number == _METADATA:
                end = file.tell() + length
                entry = {part: file.read(size).decode("utf-8", "replace") for part, size in _fields(file, end)}
                properties[entry.get(1, "")] = entry.get(2, "")
    return properties


def _fields(file: IO[bytes], end: int) -> Iterator[tuple[int, int]]:
    """Number and length of each field of bytes up to a place; the file stands at its beginning when it is given."""
    while (place := file.tell()) < end:
        tag = _number(file)
        number, kind = tag >> 3, tag & 7
        if kind not in (0, 1, 2, 5) or not number:
            raise ValueError(f"there is no field at byte {place}")
        length = {0: 0, 1: 8, 5: 4}[kind] if kind != 2 else _number(file)
        if kind == 0:
            _number(file)
        after = file.tell() + length
        if after > end:
            raise ValueError(f"it ends within the field at byte {place}")
        if kind == 2:
            yield number, length
        file.seek(after)


def _number(file: IO[bytes]) -> int:
    value = shift = 0
    while byte := file.read(1):
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
        shift += 7
        if shift > 63:
            break
    raise ValueError("a number in it has no end")
