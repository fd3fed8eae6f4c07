"""The usual names of columns, and how a row of names is told from a row of data."""

from __future__ import annotations

import re
from collections.abc import Sequence

PAIR_NAMES: tuple[tuple[str, str], ...] = (
    ("anchor", "positive"),
    ("first", "second"),
    ("sentence1", "sentence2"),
    ("sentence_1", "sentence_2"),
    ("sentence_a", "sentence_b"),
    ("text1", "text2"),
    ("text_1", "text_2"),
    ("text_a", "text_b"),
    ("question1", "question2"),
    ("query1", "query2"),
    ("premise", "hypothesis"),
    ("sent0", "sent1"),  # the supervised file of princeton-nlp/SimCSE: sent0, sent1, hard_neg
    ("sent1", "sent2"),
    ("s1", "s2"),
    ("query", "title"),
    ("query", "positive"),
    ("句子1", "句子2"),
    ("文本1", "文本2"),
    ("标准问", "相似问"),
)
NEGATIVE_NAMES = ("negative", "hard_negative", "hard_neg", "neg")
SCORE_NAMES = (
    "score",
    "similarity_score",
    "similarity",
    "relatedness_score",
    "relatedness",
    "relevance",
    "label",
    "分数",
    "相似度",
    "标签",
)
LABEL_NAMES = ("label", "intent", "category", "class", "domain", "标签", "意图", "类别")
SINGLE_TEXT_NAMES = (
    "text",
    "sentence",
    "query",
    "question",
    "utterance",
    "content",
    "title",
    "文本",
    "句子",
    "问题",
    "内容",
    "标题",
)
SUBSET_NAMES = ("subset", "sub-task", "subtask")

TEXT_NAMES = frozenset({name for pair in PAIR_NAMES for name in pair} | set(NEGATIVE_NAMES) | set(SINGLE_TEXT_NAMES))
OTHER_NAMES = frozenset(
    {
        *SCORE_NAMES,
        *LABEL_NAMES,
        *SUBSET_NAMES,
        "id",
        "idx",
        "index",
        "guid",
        "split",
        "answer",
        "answers",
        "slots",
        "source",
        "编号",
        "答案",
    }
)
KNOWN_NAMES = TEXT_NAMES | OTHER_NAMES

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,39}")
_NO_VALUE = frozenset({"nan", "null", "none", "na", "inf", "infinity"})
_SENTENCE_ENDS = tuple("。？！?!…；;")


def is_header(row: Sequence[str], *, any_name: bool = False) -> bool:
    """Whether a row holds names: each a usual one or a plain ASCII identifier, and at least one a usual one unless `any_name`."""
    names = [cell.strip().lower() for cell in row]
    if not all(name in KNOWN_NAMES or (_NAME.fullmatch(name) and name not in _NO_VALUE) for name in names):
        return False
    return any_name or any(name in KNOWN_NAMES for name in names)


def looks_like_sentence(cell: str) -> bool:
    """Whether a cell is too long for a name, or ends as a sentence does."""
    return len(cell) > 60 or cell.rstrip().endswith(_SENTENCE_ENDS)


def is_word(cell: str) -> bool:
    """Whether a cell is one ASCII word of the kind that names and labels are: card_arrival, LAUNCH, surprise.OnWN."""
    return _NAME.fullmatch(cell) is not None


def is_number(cell: str) -> bool:
    """Whether `float` can read it; nan and inf are numbers here and refused as scores later."""
    try:
        float(cell)
    except ValueError:
        return False
    return True
