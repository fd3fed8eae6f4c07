from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from juyi.errors import UsageError
from juyi.metrics import holm


def closed_testing(p_values: list[float]) -> list[float]:
    """Holm's procedure is the closed test of Bonferroni's: a finding stands where every set of tests that holds it rejects."""
    places = range(len(p_values))
    sets = [each for size in range(1, len(p_values) + 1) for each in combinations(places, size)]
    return [min(1.0, max(len(each) * min(p_values[i] for i in each) for each in sets if place in each)) for place in places]


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_closed_test_of_bonferroni(seed: int) -> None:
    p_values = np.round(np.random.default_rng(seed).beta(0.5, 2, 7), 2).tolist()  # with ties
    assert holm(p_values).tolist() == pytest.approx(closed_testing(p_values))


def test_one_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.3]).tolist() == [0.3]
    assert holm([]).tolist() == []
    with pytest.raises(UsageError, match="NaN"):
        holm([0.1, float("nan")])
