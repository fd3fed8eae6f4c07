from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from juyi.data import find_near_duplicates


def jaccard(a: str, b: str) -> float:
    one, other = ({text[i : i + 3] for i in range(len(text) - 2)} for text in (a, b))
    return len(one & other) / len(one | other) if one and other else 0.0


def slow(texts: list[str], percent: int) -> list[bool]:
    return [any(100 * jaccard(a, b) >= percent - 1e-9 for j, b in enumerate(texts) if i != j) for i, a in enumerate(texts)]


@pytest.mark.parametrize("percent", [50, 80, 90, 100])
@pytest.mark.parametrize("seed", range(5))
def test_same_as_comparing_all_with_all(seed, percent):
    rng = random.Random(seed)
    texts = ["".join(rng.choices("abcdefgh你好", k=rng.randrange(60))) for _ in range(60)]
    for text in texts[:40]:
        changed = list(text)
        for _ in range(rng.randrange(1, 3)):
            changed.insert(rng.randrange(len(changed) + 1), rng.choice("xyz😀"))
        texts.append("".join(changed))
    texts = list(dict.fromkeys(texts))
    found = find_near_duplicates(texts, percent=percent, examples=1000)
    assert found.has_one.tolist() == slow(texts, percent)
    assert found.is_complete
    assert all(100 * jaccard(texts[a], texts[b]) >= percent for a, b in found.examples)
    assert {place for pair in found.examples for place in pair} == {place for place, has in enumerate(found.has_one) if has}


@settings(deadline=None)
@given(st.lists(st.text("ab\ud800", max_size=12), unique=True, max_size=12), st.sampled_from([60, 90]))
def test_same_as_comparing_all_with_all_on_odd_texts(texts, percent):
    assert find_near_duplicates(texts, percent=percent).has_one.tolist() == slow(texts, percent)


def test_gives_up_honestly():
    texts = [f"{'模板很长的一句话' * 5}{i}" for i in range(50)]
    assert find_near_duplicates(texts).is_complete
    assert not find_near_duplicates(texts, most_candidates=10).is_complete
