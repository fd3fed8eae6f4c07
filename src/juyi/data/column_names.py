"""The usual names of columns, and what a column of each name holds."""

# ruff: noqa: SIM905 (lists of words are read best as words)

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

Role = Literal["text", "negative", "answer", "score", "label", "id", "subset", "other"]
"""What a column holds. `score` may be a label too (`label` of 0 and 1) and the other way round; `other` is never read unasked."""

_SIDED = frozenset(
    "sentence sent text question query q s t string str title doc utterance phrase "
    "句子 句 问句 问题 问 文本 语句 文 标题 短句 短文本 内容 原句 话 话术 查询".split()
)
_SIDES = {side: rank for sides in ("012", "ab", "一二", "甲乙", "左右") for rank, side in enumerate(sides)}
_SIDE_FIRST = re.compile(r"([12])(string|sentence|text|question)")

NAMED_PAIRS: tuple[tuple[str, str], ...] = (
    ("anchor", "positive"),
    ("first", "second"),
    ("premise", "hypothesis"),
    ("query", "positive"),
    ("query", "pos"),
    ("query", "title"),
    ("query", "document"),
    ("query", "passage"),
    ("query", "response"),
    ("source", "target"),
    ("text", "paraphrase"),
    ("sentence", "paraphrase"),
    ("标准问", "相似问"),
    ("标准问", "扩展问"),
    ("标准问", "用户问"),
    ("标准问题", "相似问题"),
    ("标准问题", "用户问题"),
    ("标准问法", "相似问法"),
    ("标准问句", "相似问句"),
    ("前提", "假设"),
    ("原句", "改写"),
    ("原句", "改写句"),
    ("原文", "改写"),
)
"""Pairs of names that are no one name with two sides."""

SCORE_NAMES = frozenset(
    "score scores similarityscore similarity sim simscore relatednessscore relatedness relatednessjudgment relevance gold "
    "goldscore humanscore averagescore avgscore meanscore label labels goldlabel target y isduplicate duplicate isparaphrase "
    "issame issimilar same quality match ismatch 分数 得分 相似度 相似度得分 相似分 相似分数 相似性 相似 是否相似 是否相同 "
    "是否同义 是否匹配 是否重复 标签 标注 标注结果 结果 打分 评分 人工打分 人工评分".split()
)
LABEL_NAMES = frozenset(
    "label labels goldlabel intent category class domain topic group groupid cluster "
    "标签 意图 类别 分类 主题 领域 类目 组 组号 分组".split()
)
TEXT_NAMES = frozenset(
    {name for pair in NAMED_PAIRS for name in pair if name not in ("source", "target", "response")}
    | set(
        "text texts sentence sentences query queries question questions utterance content title instruction review "
        "文本 句子 问题 问句 语句 内容 标题 话术 原文 短文本 查询 用户问 用户问题 标准问句 评论 positives sent".split()
    )
)
_SUBSET_NAMES = frozenset({"subset", "subtask"})
_ANSWER_NAMES = frozenset("answer answers output response reply 答案 回答 回复 标准答案".split())
_ID_NAMES = frozenset(
    "id ids idx index guid uuid qid qid1 qid2 id1 id2 1id 2id no nr sid tid rowid row pairid captionid unnamed0 "
    "编号 序号 行号 主键".split()
)
_OTHER_NAMES = frozenset(
    "split slots source genre note notes remark remarks date time url link 备注 说明 来源 时间 日期 链接".split()
)
_NEGATIVE = re.compile(r"(hard)?neg(ative)?s?\d*|难?负例\d*|难负样本\d*|负样本\d*|不相似问\d*")
_POSITIVE = re.compile(r"pos(itive)?s?\d*|正例\d*|正样本\d*")
_TEXT = re.compile(
    r"(?!is|has|num|n_|len|count)[a-z]*(sentence|question|query|utterance|text)|.{0,4}(句子?|问[题句法]?|文本|话术)"
)
_OTHER = re.compile(r"sentence[12](binary)?parse|label\d+|annotatorlabels")


def canonical(name: str) -> str:
    """A name without what people write differently: case, width, blanks, underscores, a remark in brackets."""
    plain = unicodedata.normalize("NFKC", name).strip().lower()
    plain = re.sub(r"\(.*\)$|\[.*\]$", "", plain)
    return re.sub(r"[\s_\-.:#*]+", "", plain)


def role_of_name(name: str) -> Role | None:
    """What a column of this name holds; None where the name tells nothing."""
    plain = canonical(name)
    if _NEGATIVE.fullmatch(plain):
        return "negative"
    if plain in TEXT_NAMES or side_of(name) or _POSITIVE.fullmatch(plain):
        return "text"
    known: tuple[tuple[frozenset[str], Role], ...] = (
        (_ANSWER_NAMES, "answer"),
        (_SUBSET_NAMES, "subset"),
        (LABEL_NAMES, "label"),
        (SCORE_NAMES, "score"),
        (_ID_NAMES, "id"),
        (_OTHER_NAMES, "other"),
    )
    for names, role in known:
        if plain in names:
            return role
    if _OTHER.fullmatch(plain):
        return "other"
    return "id" if name.isascii() and re.search(r"(^|[_\s.-])(id|ID|Id)\d?$|[a-z]ID\d?$", name.strip()) else None


def likely_role_of_name(name: str) -> Role | None:
    """As `role_of_name`, of a name that is known to be one: 相似句 and customer_question hold text too."""
    return role_of_name(name) or ("text" if _TEXT.fullmatch(canonical(name)) else None)


def side_of(name: str) -> tuple[str, int] | None:
    """The common part of a pair's name and which side it is: ("sentence", 1) for "Sentence 1"; None for other names."""
    plain = canonical(name)
    if turned := _SIDE_FIRST.fullmatch(plain):
        return turned[2], int(turned[1])
    base, side = plain[:-1], plain[-1:]
    for word, short in (("left", "左"), ("right", "右")):
        if plain.endswith(word):
            base, side = plain.removesuffix(word), short
    if base not in _SIDED or side not in _SIDES:
        return None
    if len(base) == 1 and base.isascii() and not side.isdecimal() and len(name.strip()) == 2:  # "qa" is no side, "q_a" is one
        return None
    return base, _SIDES[side]


def pair_places(names: Sequence[str]) -> tuple[int, int] | None:
    """Where the two columns of a pair stand, by the names; None where none is named so."""
    plain = [canonical(name) for name in names]
    for one, other in NAMED_PAIRS[:1]:
        if one in plain and other in plain:
            return plain.index(one), plain.index(other)
    sides: dict[str, dict[int, int]] = {}
    for place, name in enumerate(names):
        if side := side_of(name):
            sides.setdefault(side[0], {}).setdefault(side[1], place)
    for found in sides.values():
        for low, high in pairwise(sorted(found)):
            return found[low], found[high]
    for one, other in NAMED_PAIRS:
        if one in plain and other in plain:
            return plain.index(one), plain.index(other)
    return None


def numbered_places(names: Sequence[str], kind: Literal["positive", "negative"]) -> list[int]:
    """Where the positives or the negatives stand: negative, or negative_1, negative_2 and so on."""
    pattern = _POSITIVE if kind == "positive" else _NEGATIVE
    return [place for place, name in enumerate(names) if pattern.fullmatch(canonical(name))]
