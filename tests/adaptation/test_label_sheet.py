"""The sheet of pairs to label: stratified, without repeats, and in favour of none of the encoders that will be judged on it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from juyi.adaptation.label_sheet import write_label_sheet
from juyi.embeddings import cosine_rows
from juyi.errors import DataError
from juyi.metrics import spearman
from juyi.types import Embeddings, Encode

TEXTS = [f"第{i}个问题是怎么回事" for i in range(60)]


def encoder_of(texts: Sequence[str], vectors: NDArray[np.floating]) -> Encode:
    place = {text: i for i, text in enumerate(texts)}

    def encode(asked: Sequence[str]) -> Embeddings:
        return vectors[[place[text] for text in asked]].astype(np.float32)

    return encode


def pairs_of(path: Path) -> tuple[list[str], list[str]]:
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))
    assert all(row["score"] == "" for row in rows)
    return [row["sentence1"] for row in rows], [row["sentence2"] for row in rows]


def test_the_sheet_is_stratified_and_has_no_pair_twice(tmp_path: Path) -> None:
    encode = encoder_of(TEXTS, np.random.default_rng(0).normal(size=(60, 8)))
    count = write_label_sheet(tmp_path / "sheet.tsv", TEXTS, [encode])
    first, second = pairs_of(tmp_path / "sheet.tsv")
    assert len(first) == count > 80
    assert len({frozenset(pair) for pair in zip(first, second, strict=True)}) == count
    assert all(one != other for one, other in zip(first, second, strict=True))
    assert np.percentile(cosine_rows(encode(first), encode(second)), 90) > 0.5  # random pairs of these vectors are near 0


def test_too_few_sentences_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="at least four"):
        write_label_sheet(tmp_path / "none.tsv", TEXTS[:3], [])
    assert not (tmp_path / "none.tsv").exists()


def lead_of_the_second(draw: Callable[[Encode, Encode], Sequence[Encode]], folder: Path, simulations: int) -> NDArray[np.float64]:
    """By how many points the second of two equally good encoders is ahead on sheets that `draw` chose the drawing encoders for.

    Meanings are points around 75 centres; each encoder sees them with noise of its own; people see them as they are.
    """
    leads = []
    for number in range(simulations):
        rng = np.random.default_rng(number)
        meanings = rng.normal(size=(75, 16))[rng.integers(75, size=200)] + 0.5 * rng.normal(size=(200, 16))
        texts = [f"句{i}" for i in range(200)]
        raw, trained = (encoder_of(texts, meanings + 0.9 * rng.normal(size=meanings.shape)) for _ in range(2))
        people = encoder_of(texts, meanings)
        write_label_sheet(folder / "sheet.tsv", texts, draw(raw, trained), seed=number)
        first, second = pairs_of(folder / "sheet.tsv")
        gold, one, other = (cosine_rows(encode(first), encode(second)) for encode in (people, raw, trained))
        leads.append(100 * (spearman(other, gold) - spearman(one, gold)))
    return np.array(leads)


def test_a_sheet_drawn_by_both_favours_neither_and_one_drawn_by_one_favours_it(tmp_path: Path) -> None:
    fair = lead_of_the_second(lambda raw, trained: [raw, trained], tmp_path, 80)
    assert abs(fair.mean()) < 3 * fair.std(ddof=1) / np.sqrt(len(fair)) < 2
    unfair = lead_of_the_second(lambda raw, trained: [trained], tmp_path, 80)
    assert unfair.mean() > 3 * unfair.std(ddof=1) / np.sqrt(len(unfair))
    assert unfair.mean() > abs(fair.mean()) + 1
