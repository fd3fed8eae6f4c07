from __future__ import annotations

import math
from typing import Any

import pytest

from juyi.errors import UsageError
from juyi.training import TrainingSettings

WRONG: list[dict[str, Any]] = [
    {"batch_size": 1},
    {"chunk_size": 0},
    {"log_every": 0},
    {"steps": -1},
    {"evaluate_every": -1},
    {"checkpoint_every": -1},
    {"seed": -1},
    {"weight_decay": -0.1},
    {"weight_decay": math.nan},
    {"clip_norm": -1.0},
    {"learning_rate": 0.0},
    {"learning_rate": math.nan},
    {"learning_rate": math.inf},
    {"epochs": 0.0},
    {"epochs": math.inf},
    {"warmup": 1.0},
    {"warmup": -0.1},
    {"betas": (0.9, 1.0)},
    {"keep": "best"},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_impossible_settings_are_refused_by_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=f"training.{next(iter(wrong))}"):
        TrainingSettings(**wrong)


def test_the_defaults_are_possible() -> None:
    assert TrainingSettings() == TrainingSettings(keep="last")
    TrainingSettings(keep="best", evaluate_every=5, warmup=0.0, clip_norm=0.0)
