from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from juyi.encoder import Encoder
from juyi.objectives import View
from juyi.training import encode_views, seed_step

PLACES = [(7, 0, 0), (7, 0, 1), (7, 1, 0), (8, 0, 0), (7, 1, 1), (7, 0, 100_000)]


@pytest.mark.parametrize("kind", ["bert", "modernbert"])
def test_dropout_belongs_to_seed_rank_and_step(tiny: Callable[..., Encoder], rows: list[list[int]], kind: str) -> None:
    encoder = tiny(kind)

    def dropped(place: tuple[int, int, int]) -> torch.Tensor:
        seed_step(*place)
        return encode_views(encoder, [View(rows[:5])], torch.nn.Module(), chunk_size=2)[0].detach()

    first = [dropped(place) for place in PLACES]
    torch.rand(13)  # whatever was drawn before does not matter
    for place, vectors in reversed(list(zip(PLACES, first, strict=True))):
        assert torch.equal(dropped(place), vectors)
    for i, one in enumerate(first):
        assert not any(torch.allclose(one, other, atol=1e-3) for other in first[:i])


def test_numpys_generator_belongs_to_seed_rank_and_step() -> None:
    drawn = [tuple(seed_step(*place).integers(0, 2**62, 3).tolist()) for place in PLACES]
    assert drawn == [tuple(seed_step(*place).integers(0, 2**62, 3).tolist()) for place in PLACES]
    assert len(set(drawn)) == len(PLACES)
