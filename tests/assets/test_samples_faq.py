"""The sample questions, paraphrases, intents and out-of-scope queries that ship with the package."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

import juyi.assets

SAMPLES = Path(juyi.assets.__file__).parent / "samples"
HEADERS = {
    "faq.tsv": ["id", "question", "answer"],
    "faq_paraphrases.tsv": ["id", "paraphrase"],
    "intents.tsv": ["intent", "text"],
}
PLAIN = ["out_of_scope.txt", "near_misses.txt"]
FILES = [*HEADERS, *PLAIN]
DOMAINS = {"bank", "shop", "gov", "tel"}


def lines(name: str) -> list[str]:
    # split on "\n" alone: splitlines() would hide "\r", form feeds and Unicode line separators
    return (SAMPLES / name).read_bytes().decode("utf-8").removesuffix("\n").split("\n")


def rows(name: str) -> list[list[str]]:
    return [line.split("\t") for line in lines(name)[1:]]


def sentences() -> list[str]:
    faq = rows("faq.tsv")
    labelled = [*rows("faq_paraphrases.tsv"), *rows("intents.tsv")]
    return [r[1] for r in faq] + [r[2] for r in faq] + [r[1] for r in labelled] + [line for name in PLAIN for line in lines(name)]


@pytest.mark.parametrize("name", FILES)
def test_bytes_are_plain_utf8_with_unix_line_ends(name: str) -> None:
    raw = (SAMPLES / name).read_bytes()
    assert not raw.startswith(b"\xef\xbb\xbf")
    assert b"\r" not in raw
    assert raw.endswith(b"\n")
    assert "\ufffd" not in raw.decode("utf-8")


@pytest.mark.parametrize("name", FILES)
def test_no_empty_cell_and_no_stray_whitespace(name: str) -> None:
    for number, line in enumerate(lines(name), start=1):
        for cell in line.split("\t"):
            assert cell, f"{name}, line {number}: an empty cell"
            assert cell == cell.strip(), f"{name}, line {number}: {cell!r}"
            assert "  " not in cell, f"{name}, line {number}: {cell!r}"
            # a quotation mark of ASCII would be eaten by readers that follow the csv rules
            assert '"' not in cell, f"{name}, line {number}: {cell!r}"


@pytest.mark.parametrize("name", list(HEADERS))
def test_header_and_column_count(name: str) -> None:
    assert lines(name)[0].split("\t") == HEADERS[name]
    assert {len(row) for row in rows(name)} == {len(HEADERS[name])}


@pytest.mark.parametrize("name", PLAIN)
def test_queries_that_nothing_answers_stand_one_a_line(name: str) -> None:
    assert all("\t" not in line for line in lines(name))
    assert len(lines(name)) >= 95


def test_faq_ids_are_unique_and_cover_four_domains() -> None:
    ids = [row[0] for row in rows("faq.tsv")]
    assert len(ids) == len(set(ids)) >= 150
    assert all(re.fullmatch(r"[a-z]+-\d{2}", i) for i in ids)
    domains = Counter(i.split("-")[0] for i in ids)
    assert set(domains) == DOMAINS
    assert min(domains.values()) >= 40


def test_answers_have_one_to_three_sentences() -> None:
    for key, _, answer in rows("faq.tsv"):
        assert answer[-1] in "。！？", key
        assert 1 <= len(re.findall("[。！？]", answer)) <= 3, key


def test_every_question_has_paraphrases_and_every_paraphrase_a_question() -> None:
    asked = {row[0] for row in rows("faq.tsv")}
    counts = Counter(row[0] for row in rows("faq_paraphrases.tsv"))
    assert set(counts) == asked
    assert min(counts.values()) >= 6


def test_half_of_the_paraphrases_share_few_characters_with_their_question() -> None:
    questions = {row[0]: row[1] for row in rows("faq.tsv")}
    low = 0
    pairs = rows("faq_paraphrases.tsv")
    for key, paraphrase in pairs:
        a, b = (set(re.findall(r"\w", text)) for text in (questions[key], paraphrase))
        low += len(a & b) / len(a | b) < 0.3
    assert low >= len(pairs) / 2


def test_intents_are_many_and_well_filled() -> None:
    counts = Counter(row[0] for row in rows("intents.tsv"))
    assert len(counts) >= 14
    assert min(counts.values()) >= 12
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) for name in counts)


def test_no_sentence_occurs_twice_across_the_files() -> None:
    repeated = [text for text, n in Counter(s.strip() for s in sentences()).items() if n > 1]
    assert repeated == []


def test_every_sentence_is_chinese_and_holds_no_long_number() -> None:
    for text in sentences():
        assert re.search(r"[\u4e00-\u9fff]", text), text
        # no telephone, card or identity number, not even an invented one
        assert not re.search(r"\d{5,}", text), text
