"""bfloat16 only where it is measured to be faster; the measurement leaves no trace."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from juyi.encoder import fast_precision, precision


@pytest.fixture(autouse=True)
def anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    fast_precision.cache_clear()
    yield
    fast_precision.cache_clear()


@pytest.mark.parametrize(("half", "wanted"), [(0.5, "bfloat16"), (0.8, "bfloat16"), (0.81, "float32"), (1.8, "float32")])
def test_it_must_be_clearly_faster(half: float, wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[torch.dtype, ...]] = []

    def seconds(*types: torch.dtype) -> list[float]:
        asked.append(types)
        return [{torch.float32: 1.0, torch.bfloat16: half}[each] for each in types]

    monkeypatch.setattr(precision, "_seconds", seconds)
    assert fast_precision() == wanted == fast_precision()
    assert len(asked) == 1  # once for a process


def test_the_measurement_gives_the_threads_back() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        found = precision._seconds(torch.float32, torch.bfloat16)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert len(found) == 2 and all(0 < each < 10 for each in found)
