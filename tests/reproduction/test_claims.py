"""Claims about a table: which figures are compared, and what they say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from juyi.errors import UsageError
from juyi.reproduction.claims import judged
from juyi.reproduction.experiment import Place
from juyi.reproduction.outcome import Outcome
from juyi.reproduction.results import Result
from juyi.tables import Table, load_table

TABLE = """
[[column]]
name = "A"
[[column]]
name = "B"
[[variant]]
name = "raw"
[[variant]]
name = "trained"
recipe = "zh/simcse"
[[row]]
name = "one"
[[row]]
name = "two"
[[sweep]]
key = "data.sample"
values = [10, 20]
name = "sentences"
"""
ITEMS = np.random.default_rng(0).normal(size=400)


@pytest.fixture
def load(table_head: str, tmp_path: Path) -> Callable[[str], Table]:
    """The table with a claim."""

    def read(claim: str) -> Table:
        path = tmp_path / "claims.toml"
        head = f'{table_head}{TABLE}[[claim]]\nwords = {{ en = "It is so", zh = "如此" }}\n'
        path.write_text(head + claim, encoding="utf-8")
        return load_table(str(path))

    return read


def outcomes(table: Table, value: Callable[[str, str, str, int, int], float], seeds: int = 3) -> list[Outcome]:
    """Figures with an error of about half a point, most of it shared by all: they are on the same items."""
    rng, found = np.random.default_rng(1), []
    for row in table.rows:
        for column in table.column:
            for variant in table.variant:
                figures = [value(row.base, column.name, variant.name, row.point["sentences"], seed) for seed in range(seeds)]
                drawn = [tuple(figure + 0.5 * ITEMS + 0.05 * rng.normal(size=len(ITEMS))) for figure in figures]
                results = {
                    seed: Result(figure, (figure - 1, figure + 1), 400, 400, replicates=replicates)
                    for seed, (figure, replicates) in enumerate(zip(figures, drawn, strict=True))
                }
                if variant.name == "raw":
                    results = {-1: results[0]}
                found.append(Outcome(Place(row, column, variant), None, results, "", 1.0))
    return found


def told(table: Table, value: Callable[[str, str, str, int, int], float]) -> dict[str, Any]:
    (record,) = (each.record() for each in judged(table.claim, outcomes(table, value)))
    return record


def test_variants_are_compared_where_all_else_is_the_same(load: Callable[[str], Table]) -> None:
    table = load('first = { variant = "trained" }\nsecond = { variant = "raw" }\n')
    found = told(table, lambda row, column, variant, sentences, seed: 50 + 2 * (variant == "trained") + 0.1 * seed)
    assert (found["judgement"], found["for"], found["against"], found["open"]) == ("agrees", 8, 0, 0)
    assert all(pair["first"][:2] == pair["second"][:2] for pair in found["compared"])
    assert [pair["value"] for pair in found["compared"]] == [pytest.approx(2.1)] * 8
    assert all(low < 2.1 < high and low > 1.5 for low, high in (pair["interval"] for pair in found["compared"]))


def test_what_a_side_names_may_differ_and_nothing_else(load: Callable[[str], Table]) -> None:
    table = load('first = { row = "one", point = { sentences = 20 } }\nsecond = { row = "two", point = { sentences = 10 } }\n')
    found = told(table, lambda row, column, variant, sentences, seed: 50 + (row == "one") * (3 if column == "A" else -3))
    names = {(tuple(pair["first"]), tuple(pair["second"])) for pair in found["compared"]}
    assert names == {
        (("one, sentences 20", column, variant), ("two, sentences 10", column, variant))
        for column in "AB"
        for variant in ("raw", "trained")
    }
    assert (found["judgement"], found["for"], found["against"]) == ("mixed", 2, 2)


def test_columns_limit_a_claim(load: Callable[[str], Table]) -> None:
    claim = 'first = { point = { sentences = 20 } }\nsecond = { point = { sentences = 10 } }\ncolumns = ["B"]\n'
    found = told(load(claim), lambda row, column, variant, sentences, seed: 50 - sentences / 5)
    assert (found["judgement"], found["against"]) == ("disagrees", 4)
    assert {pair["first"][1] for pair in found["compared"]} == {"B"}


@pytest.mark.parametrize(("gain", "finding"), [(-3.0, "for"), (0.5, "for"), (1.05, "open"), (3.0, "against")])
def test_not_above_is_judged_by_the_tolerance(load: Callable[[str], Table], gain: float, finding: str) -> None:
    table = load('first = { variant = "trained" }\nsecond = { variant = "raw" }\nrelation = "not above"\n')
    found = told(table, lambda row, column, variant, sentences, seed: 50 + gain * (variant == "trained"))
    assert found[finding] == 8


def test_of_many_comparisons_of_nothing_few_are_certain(load: Callable[[str], Table]) -> None:
    table = load('first = { row = "one" }\nsecond = { row = "two" }\n')
    table = replace(table, column=tuple(replace(table.column[0], name=str(number)) for number in range(40)))
    rng = np.random.default_rng(7)
    certain = 0
    for _ in range(20):
        found = []
        for row in table.rows[:1] + table.rows[2:3]:
            for column in table.column:
                error = rng.normal()
                drawn = tuple(error + rng.normal(size=400))
                result = Result(error, (error - 1.96, error + 1.96), 400, 400, replicates=drawn)
                found.append(Outcome(Place(row, column, table.variant[0]), None, {1: result}, "", 1.0))
        (each,) = judged(table.claim, found)
        assert len(each.compared) == 40
        certain += each.judgement != "open"
        assert sum(low > 0 or high < 0 for low, high in (pair.interval for pair in each.compared)) >= each.count("for")
    assert certain <= 4  # of 20 times at 5 %; without the correction nearly always


def test_what_cannot_be_told_is_open(load: Callable[[str], Table]) -> None:
    table = load('first = { variant = "trained" }\nsecond = { variant = "raw" }\n')
    found = told(table, lambda row, column, variant, sentences, seed: 50 + (variant == "trained") * (-1) ** seed)
    assert (found["judgement"], found["open"]) == ("open", 8)


def test_only_seeds_that_both_have_are_compared(load: Callable[[str], Table]) -> None:
    table = load('first = { row = "one" }\nsecond = { row = "two" }\n')
    measured = outcomes(table, lambda row, column, variant, sentences, seed: 50 + 10 * seed + (row == "one"))
    cut = [
        replace(each, results={seed: result for seed, result in each.results.items() if seed in seeds or not each.place.recipe})
        for each in measured
        for seeds in ((0, 2) if each.place.base == "one" else (1, 2),)
    ]
    (found,) = judged(table.claim, cut)
    assert [round(each.value, 6) for each in found.compared] == [1] * 8  # of seed 2 alone
    apart = [replace(each, results={int(each.place.base == "one"): each.results[1]}) for each in measured if each.place.recipe]
    assert not judged(table.claim, apart)


def test_of_what_was_not_measured_nothing_is_said(load: Callable[[str], Table]) -> None:
    table = load('first = { variant = "trained" }\nsecond = { variant = "raw" }\n')
    assert not judged(table.claim, [])
    raw = [each for each in outcomes(table, lambda *_: 50) if each.place.variant.name == "raw"]
    assert not judged(table.claim, raw)


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        ('first = { row = "three" }\nsecond = { row = "two" }', "names the row 'three'; there are one, two"),
        ('first = { variant = "x" }\nsecond = { variant = "raw" }', "names the variant 'x'; there are raw, trained"),
        ("first = { point = { rate = 1 } }\nsecond = {}", "names the setting 'rate'; there is sentences"),
        ('first = { row = "one" }\nsecond = {}\ncolumns = ["C"]', "names the column 'C'; there are A, B"),
        ('first = { row = "one" }\nsecond = { row = "one" }', "compares a side with itself"),
    ],
)
def test_a_claim_about_nothing_is_refused(load: Callable[[str], Table], claim: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        load(f"{claim}\n")
