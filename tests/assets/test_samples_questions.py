"""The unlabelled questions and the scored pairs that ship with the package."""

from __future__ import annotations

import math
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from scipy.stats import spearmanr

import juyi.assets

SAMPLES = Path(juyi.assets.__file__).parent / "samples"
HEADERS = {"questions.tsv": ["domain", "text"], "pairs.tsv": ["sentence1", "sentence2", "score"]}
COUNTED = ["questions.tsv", "pairs.tsv", "faq.tsv", "faq_paraphrases.tsv", "intents.tsv", "out_of_scope.txt", "near_misses.txt"]


def lines(name: str) -> list[str]:
    # split on "\n" alone: splitlines() would hide "\r", form feeds and Unicode line separators
    return (SAMPLES / name).read_bytes().decode("utf-8").removesuffix("\n").split("\n")


def rows(name: str) -> list[list[str]]:
    return [line.split("\t") for line in lines(name)[1:]]


def bare(text: str) -> str:
    """The text without punctuation and case, so that a copy cannot hide behind a question mark."""
    return re.sub(r"\W", "", text).lower()


def overlap(a: str, b: str) -> float:
    x, y = set(bare(a)), set(bare(b))
    return len(x & y) / len(x | y)


def grams(text: str) -> Counter[str]:
    """The counts of single characters and of neighbouring character pairs."""
    return Counter(text.lower()) + Counter(a + b for a, b in pairwise(text.lower()))


def cosine(a: str, b: str) -> float:
    x, y = grams(a), grams(b)
    return sum(n * y[gram] for gram, n in x.items()) / math.sqrt(sum(n * n for n in x.values()) * sum(n * n for n in y.values()))


@pytest.mark.parametrize("name", list(HEADERS))
def test_bytes_are_plain_utf8_with_unix_line_ends(name: str) -> None:
    raw = (SAMPLES / name).read_bytes()
    assert not raw.startswith(b"\xef\xbb\xbf")
    assert b"\r" not in raw
    assert raw.endswith(b"\n")
    assert not raw.endswith(b"\n\n")
    assert "\ufffd" not in raw.decode("utf-8")


@pytest.mark.parametrize("name", list(HEADERS))
def test_header_column_count_and_clean_cells(name: str) -> None:
    assert lines(name)[0].split("\t") == HEADERS[name]
    for number, row in enumerate(rows(name), start=2):
        assert len(row) == len(HEADERS[name]), f"{name}, line {number}"
        for cell in row:
            assert cell, f"{name}, line {number}: an empty cell"
            assert cell == cell.strip(), f"{name}, line {number}: {cell!r}"
            # a quotation mark of ASCII would be eaten by readers that follow the csv rules
            assert '"' not in cell, f"{name}, line {number}: {cell!r}"


def test_questions_fill_four_domains() -> None:
    counts = Counter(row[0] for row in rows("questions.tsv"))
    assert set(counts) == {"bank", "ecommerce", "government", "telecom"}
    assert sum(counts.values()) >= 660
    assert min(counts.values()) >= 165


def test_no_question_occurs_twice_even_without_punctuation() -> None:
    repeated = [text for text, n in Counter(bare(row[1]) for row in rows("questions.tsv")).items() if n > 1]
    assert repeated == []


def test_questions_are_short_chinese_and_vary_in_length() -> None:
    texts = [row[1] for row in rows("questions.tsv")]
    assert all(4 <= len(text) <= 40 for text in texts)
    assert all(re.search(r"[\u4e00-\u9fff]", text) for text in texts)
    assert min(map(len, texts)) <= 5
    assert max(map(len, texts)) >= 30
    assert sum(bool(re.search(r"[A-Za-z0-9]", text)) for text in texts) >= 50


def test_domains_are_mixed_so_that_the_first_rows_show_all_four() -> None:
    assert len({row[0] for row in rows("questions.tsv")[:40]}) == 4


def test_scores_are_half_points_from_zero_to_five_and_every_bucket_is_filled() -> None:
    scores = [float(row[2]) for row in rows("pairs.tsv")]
    assert len(scores) >= 629
    assert all(0 <= score <= 5 and (2 * score).is_integer() for score in scores)
    counts = Counter(scores)
    assert min(counts[bucket] for bucket in range(6)) >= 80
    assert sum(not score.is_integer() for score in scores) <= len(scores) // 5


def test_no_pair_occurs_twice_in_either_order_and_none_pairs_a_sentence_with_itself() -> None:
    pairs = [frozenset(bare(text) for text in row[:2]) for row in rows("pairs.tsv")]
    assert all(len(pair) == 2 for pair in pairs)
    assert len(set(pairs)) == len(pairs)


def test_pairs_hold_hard_cases_of_both_kinds() -> None:
    measured = [(overlap(a, b), float(score)) for a, b, score in rows("pairs.tsv")]
    assert sum(score <= 1 and share >= 0.6 for share, score in measured) >= 15
    assert sum(score >= 4 and share <= 0.2 for share, score in measured) >= 15


def test_overlap_of_characters_follows_the_score_as_the_readme_states() -> None:
    measured = [(cosine(a, b), float(score)) for a, b, score in rows("pairs.tsv")]
    correlation = float(spearmanr(*zip(*measured, strict=True)).statistic)
    assert 0.40 <= correlation <= 0.60
    readme = "\n".join(lines("README.md"))
    assert f"natural part and {correlation:.2f}\nover the whole file" in readme
    assert f"就整个文件而言为 {correlation:.2f}" in readme


def test_no_sentence_of_the_pairs_occurs_twice() -> None:
    counts = Counter(bare(text) for row in rows("pairs.tsv") for text in row[:2])
    assert [text for text, n in counts.items() if n > 1] == []


def test_no_sentence_of_the_pairs_is_among_the_questions() -> None:
    questions = {bare(row[1]) for row in rows("questions.tsv")}
    assert [text for row in rows("pairs.tsv") for text in row[:2] if bare(text) in questions] == []


def test_no_long_number_other_than_public_service_lines() -> None:
    texts = [row[1] for row in rows("questions.tsv")] + [text for row in rows("pairs.tsv") for text in row[:2]]
    numbers = {number for text in texts for number in re.findall(r"\d{5,}", text)}
    # 12345 is the government hotline and 12123 the traffic authority's application
    assert numbers <= {"12345", "12123"}


@pytest.mark.parametrize("name", COUNTED)
def test_readme_states_the_true_row_counts_in_both_languages(name: str) -> None:
    count = len(lines(name)) - name.endswith(".tsv")
    stated = re.findall(rf"^\| `{re.escape(name)}` \|.*\| (\d+) \|$", "\n".join(lines("README.md")), flags=re.MULTILINE)
    assert stated == [str(count)] * 2
