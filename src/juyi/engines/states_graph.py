"""`openvino.xml` as juyi writes it: the layers of a backbone, from tokens to the states of every layer. Needs no OpenVINO.

What comes behind the layers, the pooling and the heads, is not in it, so that one graph serves for every pooling and for every
model of the same configuration. Nor are the weights: the file says by name and shape which it wants of `model.safetensors`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from juyi.errors import ModelError
from juyi.layout import config_folder, read_layout
from juyi.poolings import PoolingName

STATES = "openvino.xml"
SIDE_BY_SIDE = ("input_ids", "position_ids", "owner")
"""What a graph reads where rows may share a line; see `juyi.tokenization.lines`."""
ONE_A_LINE = ("input_ids", "attention_mask")
"""What it reads where they may not: the backbone's attention or its positions are its own affair."""

OTHER_POOLINGS = ("max", "pooler")
"""What is not computed behind a graph. A model whose own pooling is `pooler` has it as a Dense layer, which is."""

PLUS_ONE = "1 + "
"""Before the name of a weight: the graph wants it so, and not the weight itself. The norms of some decoders compute with that."""

_VERSION = 1  # counts up when the graphs of earlier versions cannot serve any more
_OPEN, _CLOSE = b"<!-- juyi ", b" -->\n"


@dataclass(frozen=True)
class StatesGraph:
    """What stands in the file.

    Attributes:
        made_from: The digest of what is fixed in it, see `made_from`.
        weights: Name and shape of each weight, in the order in which they lie before the constants.
        constants: Everything else that it wants: small numbers that are no weights.
        content: The file itself.
    """

    made_from: str
    weights: dict[str, tuple[int, ...]]
    constants: bytes
    content: bytes

    def write(self, path: Path) -> None:
        """Write the file; what is juyi's stands in a comment on its first line."""
        mark = {"made_from": self.made_from, "weights": self.weights, "constants": base64.b64encode(self.constants).decode()}
        path.write_bytes(_OPEN + json.dumps(mark).encode() + _CLOSE + self.content)

    @classmethod
    def read(cls, path: Path) -> StatesGraph:
        """Read the file.

        Raises:
            ValueError: It is none of juyi's, or damaged.
        """
        first, _, content = path.read_bytes().partition(b"\n")
        if not first.startswith(_OPEN):
            raise ValueError("was made by another tool")
        try:
            mark = json.loads(first.removeprefix(_OPEN).removesuffix(_CLOSE.strip()))
            weights = {name: tuple(shape) for name, shape in mark["weights"].items()}
            graph = cls(mark["made_from"], weights, base64.b64decode(mark["constants"]), content)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"is damaged ({error})") from error
        if not content.rstrip().endswith(b"</net>"):
            raise ValueError("is damaged (it was cut off)")
        return graph

    def numbers(self, backbone: Path) -> NDArray[np.uint8]:
        """The weights of a backbone in float32 and the constants behind them, as the graph wants them: one array of bytes.

        Raises:
            ModelError: The file lacks one of the weights, or has it in another shape.
        """
        sizes = {name: 4 * math.prod(shape) for name, shape in self.weights.items()}
        result = np.empty(sum(sizes.values()) + len(self.constants), dtype=np.uint8)
        path, place = backbone / "model.safetensors", 0
        try:
            with safe_open(path, framework="numpy") as stored:
                for name, shape in self.weights.items():
                    there = result[place : place + sizes[name]].view(np.float32).reshape(shape)
                    place += sizes[name]
                    values = stored.get_tensor(own := name.removeprefix(PLUS_ONE))
                    if values.shape != shape:
                        raise ModelError(f"{path} holds {name} in the shape {values.shape}; the graph wants {shape}.")
                    there[...] = values
                    if own != name:
                        there += 1
        except (SafetensorError, OSError) as error:
            raise ModelError(f"{path} cannot be used: {error}.") from error
        result[place:] = np.frombuffer(self.constants, dtype=np.uint8)
        return result


def states_problem(folder: Path, pooling: PoolingName | None = None) -> str:
    """Why the engine openvino cannot run a model folder, as far as a look into its files tells; empty where it can."""
    path = folder / STATES
    if not path.is_file():
        return f"it has no {STATES}"
    if (chosen := pooling or read_layout(folder).pooling) in OTHER_POOLINGS:
        return f"the pooling '{chosen}' is not among those that are computed behind a graph"
    try:
        graph = StatesGraph.read(path)
    except (OSError, ValueError) as error:
        return f"its {STATES} {error}"
    if graph.made_from != made_from(folder):
        return f"its {STATES} was made for another configuration than the folder now has; `juyi export` renews it"
    return ""


def made_from(folder: Path) -> str:
    """A digest of what a graph of this folder fixes: the backbone's configuration, without what has no part in a forward."""
    config = json.loads((config_folder(folder / read_layout(folder).backbone) / "config.json").read_text(encoding="utf-8"))
    for key in ("_name_or_path", "architectures", "dtype", "torch_dtype", "transformers_version", "output_hidden_states"):
        config.pop(key, None)
    return hashlib.sha256(f"{_VERSION} {json.dumps(config, sort_keys=True)}".encode()).hexdigest()
