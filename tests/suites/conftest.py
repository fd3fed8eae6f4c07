"""A hub without a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Hub = Callable[..., list[tuple[str, str]]]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    """`hub(broken=…)`: from now on every set of the hub has twenty pairs, but the broken one; gives what is asked for."""
    datasets = pytest.importorskip("datasets")

    def stand_in(broken: str = "") -> list[tuple[str, str]]:
        asked: list[tuple[str, str]] = []

        def load_dataset(repository: str, *, split: str, **_: Any) -> Any:
            asked.append((repository, split))
            if repository == broken:
                raise ConnectionError("no network")
            sides = {f"sentence{n}": [f"{repository} {n} {i}" for i in range(20)] for n in (1, 2)}
            return datasets.Dataset.from_dict({**sides, "score": [float(i) for i in range(20)]})

        monkeypatch.setattr(datasets, "load_dataset", load_dataset)
        return asked

    return stand_in
