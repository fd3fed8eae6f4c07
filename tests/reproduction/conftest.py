"""A small Chinese STS folder, a tiny encoder, and a table of both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from juyi.tables import Table, load_table

TABLE = """
[[column]]
name = "STS-B"
suite = "zh-sts"
task = "STS-B"
[[column]]
name = "BQ"
suite = "zh-sts"
task = "BQ"
[[variant]]
name = "raw"
[[variant]]
name = "whitened"
whitening = 0.5
[[variant]]
name = "SimCSE"
recipe = "simcse/chinese-bojone"
[[variant]]
name = "both"
recipe = "simcse/chinese-bojone"
whitening = 0.5
[protocol]
texts = "other-splits"
seeds = [1, 2]
[[row]]
name = "cls"
encoder = "{encoder}"
pooling = "cls"
figures = [[50, 50, 50, 50], [50, nan, 50, 50]]
[[row]]
name = "mean"
encoder = "{encoder}"
pooling = "last-avg"
[[row]]
name = "GloVe"
figures = [[50, 50, 50, 50], [50, nan, 50, 50]]
"""


@pytest.fixture(scope="session")
def data(sentences: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tasks with two splits: the pairs share no sentence between the splits but for one of BQ."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(1)
    for task, halves in {"stsb": (sentences[:30], sentences[30:]), "bq": (sentences[1::2], sentences[::2])}.items():
        for split, texts in zip(("dev", "test"), halves, strict=True):
            mixed = rng.permutation(texts).tolist()
            pairs = [*zip(mixed[::2], mixed[1::2], strict=True)]  # no two share a sentence: each is a unit of its own
            lines = [f"{a}\t{b}\t{len({*a} & {*b}) % 5}" for a, b in pairs]
            if (task, split) == ("bq", "dev"):
                lines.append(f"{halves[1][0]}\t{texts[0]}\t0")
            (folder / f"{task}.{split}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture
def small(stand_in: Callable[..., Path], table_head: str, tmp_path: Path) -> Table:
    """Two rows that are run, one that is reported; two columns; raw, whitened, trained, both."""
    path = tmp_path / "small.toml"
    path.write_text(table_head + TABLE.format(encoder=stand_in("bert")), encoding="utf-8")
    return load_table(str(path))
