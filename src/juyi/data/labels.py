"""Words that people write for labels, and the scores they certainly stand for."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping

_SAME = (
    "yes y true t same similar duplicate duplicated paraphrase equivalent match matched related positive pos "
    "是 是的 对 正确 真 相似 相同 同义 一致 匹配 重复 等价 相关 有关 同 正例 正样本 √ ✓ ✔"
)
_DIFFERENT = (
    "no n false f different diff dissimilar not_similar not_duplicate not_paraphrase not_equivalent not_match unmatched "
    "unrelated not_same notsimilar nonduplicate negative neg 否 不是 不 不对 错 错误 假 不相似 不相同 不同 不同义 不一致 "
    "不匹配 不重复 不等价 不相关 无关 异 负例 负样本 × ✗ ✘"
)
_NLI = {
    "entailment": 1.0,
    "neutral": 0.5,
    "contradiction": 0.0,
    "entail": 1.0,
    "entails": 1.0,
    "contradict": 0.0,
    "蕴含": 1.0,
    "蕴涵": 1.0,
    "中立": 0.5,
    "中性": 0.5,
    "矛盾": 0.0,
}
_TWO_WAY_NLI = {"entailment": 1.0, "not_entailment": 0.0, "non_entailment": 0.0}
_NLI_NAMES = {1.0: "entailment", 0.5: "neutral", 0.0: "contradiction"}
_WORDS: dict[str, float] = dict.fromkeys(_SAME.split(), 1.0) | dict.fromkeys(_DIFFERENT.split(), 0.0)
_NO_CONSENSUS = frozenset({"-", "_", "–", "—"})
"""What SNLI and MultiNLI write where the annotators did not agree."""


def is_label_word(value: str) -> bool:
    """Whether a cell is one of the words that are written for labels: yes, 否, 相似, entailment."""
    plain = _plain(value)
    return any(plain in words for words in (_WORDS, _NLI, _TWO_WAY_NLI))


def scores_of_words(values: Iterable[str]) -> Mapping[str, float] | None:
    """The score that each of the values certainly stands for; None where one of them is not certain.

    Words for the same and the different are 1 and 0; entailment, neutral and contradiction 1, 0.5 and 0, which is their order.
    The vocabularies do not mix.
    """
    distinct = set(values)
    for words in (_WORDS, _NLI, _TWO_WAY_NLI):
        if distinct and all(_plain(value) in words for value in distinct):
            return {value: words[_plain(value)] for value in distinct}
    return None


def nli_name(value: str) -> str | None:
    """`entailment`, `neutral` or `contradiction` for what people write for it; None for anything else."""
    score = _NLI.get(_plain(value))
    return None if score is None else _NLI_NAMES[score]


def is_no_consensus(value: str) -> bool:
    """Whether a label says that there is none."""
    return value.strip() in _NO_CONSENSUS


def counted(values: Iterable[str], most: int = 6) -> str:
    """The commonest values with how often they come, for a message: 是 ×2, 否 ×1."""
    found = Counter(value.strip() for value in values)
    shown = ", ".join(f"{value[:20] or '(empty)'} ×{count}" for value, count in found.most_common(most))
    return shown + (f", and {len(found) - most} more" if len(found) > most else "")


def _plain(value: str) -> str:
    return unicodedata.normalize("NFKC", value).strip().strip("\"'“”").lower().replace(" ", "_").replace("-", "_")
