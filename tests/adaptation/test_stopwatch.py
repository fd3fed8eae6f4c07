"""How long work takes, with a clock that the test turns."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from juyi.adaptation import stopwatch


@pytest.mark.parametrize(
    ("durations", "shortest", "runs"),
    [
        ([0.9, 0.3, 0.4, 0.3], 0.3, 4),  # the first run allocates
        ([0.3, 0.2, 0.1, 0.4], 0.1, 4),
        ([10.0, 0.3], 0.3, 2),  # others kept the cores busy
        ([0.3, 10.0], 0.3, 2),
        ([1.4, 1.3, 1.5], 1.3, 3),
    ],
)
def test_a_busy_moment_does_not_count(
    monkeypatch: pytest.MonkeyPatch, durations: Sequence[float], shortest: float, runs: int
) -> None:
    now, left = [0.0], iter(durations)

    def work() -> None:
        now[0] += next(left)

    monkeypatch.setattr(stopwatch.time, "perf_counter", lambda: now[0])
    assert stopwatch.shortest_seconds(work) == pytest.approx(shortest)
    assert now[0] == pytest.approx(sum(durations[:runs])) and runs == len(durations)
