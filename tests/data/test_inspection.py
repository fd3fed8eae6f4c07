from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from juyi.data import inspect
from juyi.errors import DataError, UsageError


def tokenize(texts):
    """[CLS], one token a character, [SEP]; emoji are unknown (1)."""
    return [[2, *(1 if ord(character) > 0xFFFF else ord(character) for character in text), 3] for text in texts]


def test_repeats_are_counted():
    texts = ["怎么还款？", "怎么还款？", "怎么还款", "怎么 还款！", "别的话"]
    facts = inspect(texts)
    assert (facts.rows, facts.distinct_rows, facts.exact_duplicates, facts.normalised_duplicates) == (5, 4, 1, 3)
    assert facts.near_duplicate_rows == 0
    assert any(advice.startswith("3 rows (60.0 %) repeat") for advice in facts.advice)


def test_near_duplicates_count_rows_and_show_the_original_text():
    long = "今天下午三点我们在会议室讨论下个季度的预算安排"
    facts = inspect([f"{long}。", long, f"{long}吧！", "别的话"])
    assert facts.near_duplicate_rows == 3
    assert facts.near_duplicate_examples == ((f"{long}。", f"{long}吧！"),)
    assert any("almost the same" in advice for advice in facts.advice)


def test_lengths_against_numpy():
    texts = ["好" * n for n in range(1, 101)]
    facts = inspect(texts, tokenize=tokenize, max_length=64)
    lengths = np.arange(1, 101)
    for got, expected in ((facts.characters, lengths), (facts.tokens, lengths + 2)):
        assert (got.minimum, got.maximum, got.median) == (expected.min(), expected.max(), np.median(expected))
        assert got.percentile_95 == pytest.approx(np.percentile(expected, 95))
        assert got.share_longer == pytest.approx((expected > 64).mean())
    assert any("longer than 64 tokens" in advice for advice in facts.advice)
    assert inspect(texts).tokens is None


def test_unknown_tokens_and_who_makes_them():
    facts = inspect(["好😀😀", "坏🚀", "行"] * 2, tokenize=tokenize, unknown_id=1)
    assert facts.unknown_rate == pytest.approx(6 / (12 + 12))
    assert facts.unknown_characters == (("😀", 4), ("🚀", 2))
    assert any("unknown to this tokenizer, most often for 😀 🚀" in advice for advice in facts.advice)
    fine = inspect(["好"], tokenize=tokenize, unknown_id=1)
    assert (fine.unknown_rate, fine.unknown_characters) == (0.0, ())
    assert inspect(["好"], tokenize=tokenize).unknown_rate is None


def test_leakage_and_chinese():
    facts = inspect(["怎么还款", "怎么还款？", "hello", "123"], against=["怎么还款!", "x"])
    assert (facts.leaked_rows, facts.leak_examples) == (2, ("怎么还款", "怎么还款？"))
    assert facts.without_chinese_rate == 0.5
    assert inspect(["hello", "々"]).without_chinese_rate == 0.5
    assert any("transductive" in advice for advice in facts.advice)
    assert any("no Chinese character" in advice for advice in inspect(["hello"]).advice)
    assert inspect(["好"]).leaked_rows is None


@pytest.mark.parametrize(("rows", "words"), [(399, "expect little"), (400, None), (10_000, None), (10_001, "Sample 10,000")])
def test_advice_on_the_amount(rows, words):
    advice = inspect([f"句{chr(0x4E00 + i)}" for i in range(rows)]).advice
    assert len(advice) == (words is not None)
    assert words is None or words in advice[0]


def test_as_dict_is_plain():
    record = inspect(["怎么还款"], tokenize=tokenize, unknown_id=1, against=["怎么还款"]).as_dict()
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert record["tokens"]["maximum"] == 6


def test_nothing_to_inspect():
    with pytest.raises(DataError, match="no sentences"):
        inspect([])
    with pytest.raises(UsageError, match="without tokenize"):
        inspect(["好"], unknown_id=1)


def test_torch_stays_out():
    code = "import juyi.data, sys; assert 'torch' not in sys.modules and 'pyarrow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
