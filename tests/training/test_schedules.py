from __future__ import annotations

import math

import pytest

from juyi.training import rate_factor


def factors(schedule: str, *, steps: int = 100, warmup: float = 0.0) -> list[float]:
    return [rate_factor(step, steps, schedule=schedule, warmup=warmup) for step in range(steps)]  # type: ignore[arg-type]


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine", "trapezoid"])
def test_the_warm_up_rises_evenly_to_one(schedule: str) -> None:
    found = factors(schedule, warmup=0.1)
    assert found[:10] == pytest.approx([i / 10 for i in range(1, 11)])
    assert found[10] == pytest.approx(1.0)
    assert max(found) == pytest.approx(1.0) and min(found) > 0


def test_constant() -> None:
    assert factors("constant") == [1.0] * 100


@pytest.mark.parametrize("warmup", [0.0, 0.25])
def test_linear_falls_by_equal_parts_and_would_reach_zero_at_the_end(warmup: float) -> None:
    found, rising = factors("linear", warmup=warmup), round(100 * warmup)
    assert found[rising:] == pytest.approx([(100 - step) / (100 - rising) for step in range(rising, 100)])


def test_cosine_is_half_a_wave() -> None:
    found = factors("cosine")
    assert found == pytest.approx([(1 + math.cos(math.pi * step / 100)) / 2 for step in range(100)])
    assert found[50] == pytest.approx(0.5)


def test_trapezoid_stays_and_falls_in_the_last_fifth() -> None:
    found = factors("trapezoid")
    assert found[:81] == pytest.approx([1.0] * 81)
    assert found[80:] == pytest.approx([(100 - step) / 20 for step in range(80, 100)])


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine", "trapezoid"])
@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("warmup", [0.0, 0.5, 0.99])
def test_short_runs_have_a_rate(schedule: str, steps: int, warmup: float) -> None:
    assert all(0 < factor <= 1 for factor in factors(schedule, steps=steps, warmup=warmup))
