"""A small label sheet, and what is filled in on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from juyi.labelling import LabelSheet, draw_pairs

TEXTS = [
    "怎么还信用卡",
    "信用卡，如何还款",
    "我想问“额度”怎么提",
    '他说"再等等"怎么办',
    "=1+1 是什么意思",
    "-5度还能送货吗",
    "@客服 在吗",
    "换行\n的问题怎么办",
    "带制表符\t的问题",
    "Wi-Fi password?",
    *(f"第{number}个问题怎么办理" for number in range(40)),
]


def sheet_in(folder: Path, texts: list[str] = TEXTS, seed: int = 0) -> LabelSheet:
    vectors = np.random.default_rng(seed).normal(size=(2, len(texts), 8))
    return LabelSheet.create(folder, "origin", texts, draw_pairs([each @ each.T for each in vectors], 2001, seed=seed))


def meant(sheet: LabelSheet, count: int | None = None) -> dict[str, float]:
    """A score for each of the first pairs, made of its id."""
    return {pair.id: int(pair.id[1:]) % 11 / 2 for pair in sheet.on_sheets[:count]}
