"""What others published about encoders that people would pick instead: a file of figures with their sources, as a table."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import ascii_lowercase

from pydantic import ConfigDict

from baselines.cost import parameters_of
from baselines.page import NOTHING, number
from juyi.declarations import build
from juyi.errors import UsageError
from juyi.evaluation import markdown_table

FILE = Path(__file__).with_suffix(".toml")
SPLITS = {"STS-B": "test", "LCQMC": "test", "BQ": "test", "ATEC": "test", "PAWSX": "test", "AFQMC": "validation"}


@dataclass(frozen=True)
class Source:
    """Where figures were read.

    Attributes:
        place: The repository, owner/name.
        path: The file or the folder in it.
        revision: The commit, or a branch where the files are of several.
        what: What it is, in a sentence.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    place: str
    path: str
    revision: str
    what: str

    def __str__(self) -> str:
        return f"{self.what} [{self.place}, {self.path}](https://github.com/{self.place}/blob/{self.revision}/{self.path})"


@dataclass(frozen=True)
class Published:
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
        trained_on: Which of the sets its makers name among its training data; empty where they name none.
        prompt: What stands before every text that is compared.
        source: The name of the source of the figures.
        figures: Spearman × 100 by task, as many as were found.
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
    trained_on: str = ""
    prompt: str = ""
    source: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)

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
    """Encoders in the order of the table, and the sources of their figures by name."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    sources: Mapping[str, Source]
    models: Sequence[Published]

    def __post_init__(self) -> None:
        for model in self.models:
            if strange := [task for task in model.figures if task not in SPLITS]:
                raise UsageError(f"{model.hub} has a figure for '{strange[0]}'; the tasks are {', '.join(SPLITS)}.")
            if model.figures and model.source not in self.sources:
                raise UsageError(f"{model.hub} has figures of '{model.source}'; the sources are {', '.join(self.sources)}.")


def read_published(path: Path = FILE) -> Listing:
    """The encoders that the file lists.

    Raises:
        UsageError: It says something that does not exist.
    """
    return build(tomllib.loads(path.read_text(encoding="utf-8")), Listing, origin=str(path))


def chosen_models(asked: Sequence[str] | None, listing: Listing) -> list[Published]:
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


def published_table(listing: Listing, own: Mapping[str, Path]) -> str:
    """The table, the sources that its letters stand for, and the size of one's own encoders by the same count.

    Args:
        listing: What others published.
        own: The folders of one's own encoders, of ModernBERT's shape, by name.
    """
    letters = dict(zip(listing.sources, ascii_lowercase, strict=False))
    rows = [
        {
            "": f"[{model.name}](https://huggingface.co/{model.hub})",
            "parameters, M": number(model.parameters),
            "multiply-adds a token, M": number(model.multiply_adds / 1e6),
            "dimensions": str(model.dimensions),
            "tokens": NOTHING if model.tokens is None else str(model.tokens),
            **{f"{task} {split}": _figure(model, task) for task, split in SPLITS.items()},
            "trained on": model.trained_on or NOTHING,
            "source": letters[model.source] if model.figures else NOTHING,
        }
        for model in listing.models
    ]
    sources = [f"- {letters[name]}: {source}" for name, source in listing.sources.items()]
    sizes = [
        f"{name} {number(_own(folder).multiply_adds / 1e6)} with {number(_own(folder).parameters)} M parameters"
        for name, folder in own.items()
    ]
    ours = f"Multiply-adds a token by the same count, M: {', '.join(sizes)}."
    return "\n\n".join([markdown_table(rows).strip(), ours, "\n".join(["Sources", "", *sources])])


def _figure(model: Published, task: str) -> str:
    return f"{model.figures[task]:.2f}".replace("-", "−") if task in model.figures else NOTHING


def _own(folder: Path) -> Published:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    width = config["hidden_size"]
    return Published(
        hub=folder.name,
        parameters=(parameters_of(folder) or 0) / 1e6,
        dimensions=width,
        layers=config["num_hidden_layers"],
        width=width,
        inner=config["intermediate_size"],
        gated=config["model_type"] == "modernbert",
    )
