from __future__ import annotations

import dataclasses
from typing import get_args

import pytest

from juyi.objectives import AnyObjective


@pytest.mark.parametrize("objective", get_args(AnyObjective))
def test_every_objective_is_a_frozen_table_with_a_kind(objective: type) -> None:
    made = objective()
    assert isinstance(made.kind, str)
    assert all(isinstance(column, str) for column in made.columns)
    assert "columns" not in {field.name for field in dataclasses.fields(made)}  # no setting
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.kind = "x"


def test_kinds_are_distinct() -> None:
    kinds = [objective().kind for objective in get_args(AnyObjective)]
    assert len(set(kinds)) == len(kinds)
