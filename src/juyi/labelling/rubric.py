"""What the scores from 0 to 5 mean, in Chinese and English, with two examples each."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from juyi.declarations import build

LOWEST, HIGHEST = 0, 5

Examples = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Grade:
    """One score.

    Attributes:
        score: From 0 to 5.
        zh: What it means, in Chinese.
        en: And in English.
        examples_zh: Pairs of sentences with this score.
        examples_en: The same in English.
    """

    score: int
    zh: str
    en: str
    examples_zh: Examples
    examples_en: Examples


@dataclass(frozen=True)
class _Rubric:
    grade: tuple[Grade, ...]


@cache
def grades() -> tuple[Grade, ...]:
    """The scores, the highest first."""
    path = Path(__file__).parent / "rubric.toml"
    return build(tomllib.loads(path.read_text(encoding="utf-8")), _Rubric, origin=str(path)).grade


def rubric_page() -> str:
    """The rubric as Markdown, to read beside the sheet."""
    chinese = [
        "# 怎样打分",
        "",
        "在最后一栏（score，或“分数”）填 0 到 5，可以填 3.5 这样的小数；拿不准的留空。按句子的意思打分，不看字面。",
        "行的顺序可以打乱，也可以另加几栏；id 一栏请保留。",
        "",
        *[line for each in grades() for line in _lines(each.score, each.zh, each.examples_zh, "；")],
    ]
    english = [
        "# How to score",
        "",
        "Write 0 to 5 into the last column, 3.5 and the like too; leave empty what you cannot tell. Judge what the sentences",
        "mean, not their wording. Rows may be sorted and columns added; keep the column id.",
        "",
        *[line for each in grades() for line in _lines(each.score, each.en, each.examples_en, "; ")],
    ]
    return "\n".join([*chinese, "", *english, ""])


def _lines(score: int, meaning: str, examples: Examples, between: str) -> list[str]:
    return [f"- **{score}** {meaning}", f"  - {between.join(f'{first} | {second}' for first, second in examples)}"]
