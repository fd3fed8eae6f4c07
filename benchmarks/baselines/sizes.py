"""Encoders that people would pick instead: how large they are, and what was published of them, as tables."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ConfigDict

from baselines.cost import parameters_of
from baselines.tables import NOTHING, number
from juyi.declarations import build
from juyi.errors import UsageError
from juyi.evaluation import markdown_table
from juyi.report import report

FILE = Path(__file__).with_suffix(".toml")
FIGURES = "chinese-leaderboard"


@dataclass(frozen=True)
class Size:
    """An encoder and what is known of it without running it.

    Attributes:
        hub: Its id.
        parameters: Millions.
        dimensions: Of its vectors.
        layers: Blocks; 0 for one vector a token.
        width: Of what goes through the blocks.
        inner: Width of the feed-forward part.
        gated: The feed-forward part has three matrices, not two.
        queries: Width of all heads' queries, where it is not `width`.
        keys: The same of the keys, and of the values.
        tokens: How many it reads; None where there is no end.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    hub: str
    parameters: float
    dimensions: int
    layers: int
    width: int = 0
    inner: int = 0
    gated: bool = False
    queries: int | None = None
    keys: int | None = None
    tokens: int | None = None

    @property
    def name(self) -> str:
        """Its id without the owner: what the tables call it."""
        return self.hub.rpartition("/")[2]

    @property
    def multiply_adds(self) -> int:
        """Of one token, in the matrices of the blocks; attention between tokens comes on top and is little in short sentences."""
        attention = 2 * self.width * (self.queries or self.width) + 2 * self.width * (self.keys or self.width)
        return self.layers * (attention + (3 if self.gated else 2) * self.width * self.inner)


@dataclass(frozen=True)
class Listing:
    """Encoders in the order of the table."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    models: Sequence[Size]


def read_sizes(path: Path = FILE) -> Listing:
    """The encoders that the file lists.

    Raises:
        UsageError: It says something that does not exist.
    """
    return build(tomllib.loads(path.read_text(encoding="utf-8")), Listing, origin=str(path))


def chosen_models(asked: Sequence[str] | None, listing: Listing) -> list[Size]:
    """The encoders of these ids or names, in the order of the table; all where the list is empty, none where there is no list.

    Raises:
        UsageError: One of them is not listed.
    """
    if asked is None:
        return []
    if strange := [name for name in asked if not any(name in (each.hub, each.name) for each in listing.models)]:
        known = ", ".join(each.name for each in listing.models)
        raise UsageError(f"--hub was given '{strange[0]}'; it takes {known}, or nothing for all. Others go with --encoder.")
    return [each for each in listing.models if not asked or each.hub in asked or each.name in asked]


def size_tables(listing: Listing, own: Mapping[str, Path]) -> str:
    """The sizes, those of one's own encoders by the same count, and what was published of the figures.

    Args:
        listing: Encoders of others.
        own: The folders of one's own encoders, of ModernBERT's shape, by name.
    """
    rows = [
        {
            "": f"[{model.name}](https://huggingface.co/{model.hub})",
            "parameters, M": number(model.parameters),
            "multiply-adds a token, M": number(model.multiply_adds / 1e6),
            "dimensions": str(model.dimensions),
            "tokens": NOTHING if model.tokens is None else str(model.tokens),
        }
        for model in listing.models
    ]
    sizes = [
        f"{name} {number(_own(folder).multiply_adds / 1e6)} with {number(_own(folder).parameters)} M parameters"
        for name, folder in own.items()
    ]
    ours = f"Multiply-adds a token by the same count, M: {', '.join(sizes)}."
    _, figures = report([FIGURES], "markdown").split("\n\n", 1)  # without its head
    return "\n\n".join([markdown_table(rows).strip(), ours, figures.strip()])


def _own(folder: Path) -> Size:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    width = config["hidden_size"]
    return Size(
        hub=folder.name,
        parameters=(parameters_of(folder) or 0) / 1e6,
        dimensions=width,
        layers=config["num_hidden_layers"],
        width=width,
        inner=config["intermediate_size"],
        gated=config["model_type"] == "modernbert",
    )
