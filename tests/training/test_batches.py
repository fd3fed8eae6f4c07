from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from juyi.errors import TrainingError
from juyi.training import BatchPlan

ANY_TIME = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def plans(draw: st.DrawFn, *, worlds: int = 1) -> BatchPlan:
    world_size = draw(st.integers(1, worlds))
    batch_size = world_size * draw(st.integers(1 if world_size > 1 else 2, 6))
    rows, drop_last = draw(st.integers(0, 60)), draw(st.booleans())
    rest = rows % batch_size
    assume(rows >= batch_size or (not drop_last and rest > 1 and rest % world_size == 0))
    return BatchPlan(rows, batch_size, drop_last, draw(st.integers(0, 2**32)), world_size=world_size)


def taken(plan: BatchPlan, first: int, last: int) -> list[list[int]]:
    return [batch.tolist() for batch in plan.batches(first, last)]


@ANY_TIME
@given(plan=plans(), epoch=st.integers(0, 3))
def test_each_row_comes_once_an_epoch(plan: BatchPlan, epoch: int) -> None:
    count = plan.steps_per_epoch
    batches = taken(plan, epoch * count, (epoch + 1) * count)
    seen = list(itertools.chain(*batches))
    assert len(batches) == count
    assert len(seen) == len(set(seen)) and set(seen) <= set(range(plan.rows))
    rest = plan.rows % plan.batch_size
    kept = 0 if plan.drop_last or rest == 1 else rest
    assert len(seen) == plan.rows - rest + kept
    assert [len(batch) for batch in batches] == [plan.batch_size] * (plan.rows // plan.batch_size) + [kept] * (kept > 0)


@ANY_TIME
@given(plan=plans(worlds=4), data=st.data())
def test_the_ranks_split_every_batch_evenly(plan: BatchPlan, data: st.DataObject) -> None:
    steps = data.draw(st.integers(1, 12))
    whole = taken(BatchPlan(plan.rows, plan.batch_size, plan.drop_last, plan.seed), 0, steps) if plan.world_size == 1 else None
    shares = [
        taken(BatchPlan(plan.rows, plan.batch_size, plan.drop_last, plan.seed, rank, plan.world_size), 0, steps)
        for rank in range(plan.world_size)
    ]
    for step in range(steps):
        parts = [share[step] for share in shares]
        assert len({len(part) for part in parts}) == 1 and len(parts[0]) > 0
        joined = list(itertools.chain(*parts))
        assert len(set(joined)) == len(joined)
        if whole is not None:
            assert joined == whole[step]


@pytest.mark.parametrize("world_size", [2, 4])
def test_the_processes_together_see_the_batches_of_one(world_size: int) -> None:
    alone = taken(BatchPlan(37, 8, True, 5), 0, 9)
    shares = [taken(BatchPlan(37, 8, True, 5, rank, world_size), 0, 9) for rank in range(world_size)]
    assert [list(itertools.chain(*parts)) for parts in zip(*shares, strict=True)] == alone


@ANY_TIME
@given(plan=plans(worlds=3), data=st.data())
def test_from_any_step_the_batches_are_the_same(plan: BatchPlan, data: st.DataObject) -> None:
    steps = data.draw(st.integers(1, 3 * plan.steps_per_epoch))
    first = data.draw(st.integers(0, steps))
    assert taken(plan, first, steps) == taken(plan, 0, steps)[first:]


def test_epochs_and_seeds_are_shuffled_anew() -> None:
    plan = BatchPlan(40, 10, True, 1)
    first, second = taken(plan, 0, 4), taken(plan, 4, 8)
    assert list(itertools.chain(*first)) != list(itertools.chain(*second))
    assert first != taken(BatchPlan(40, 10, True, 2), 0, 4)
    assert list(itertools.chain(*first)) != list(range(40))


@pytest.mark.parametrize(
    ("rows", "drop_last", "steps"), [(20, True, 2), (25, True, 2), (25, False, 3), (21, False, 2), (2, False, 1)]
)
def test_the_rest_of_an_epoch(rows: int, drop_last: bool, steps: int) -> None:
    assert BatchPlan(rows, 10, drop_last, 0).steps_per_epoch == steps


def test_a_rest_that_does_not_split_over_the_processes_is_left_out() -> None:
    assert BatchPlan(23, 10, False, 0, world_size=2).steps_per_epoch == 2
    assert BatchPlan(24, 10, False, 0, world_size=2).steps_per_epoch == 3


@pytest.mark.parametrize(("rows", "drop_last"), [(0, False), (1, False), (9, True)])
def test_too_few_rows(rows: int, drop_last: bool) -> None:
    with pytest.raises(TrainingError, match=rf"There are {rows} rows, too few for one batch of 10.*training.batch_size"):
        BatchPlan(rows, 10, drop_last, 0)


def test_a_batch_that_does_not_split() -> None:
    with pytest.raises(TrainingError, match="batch of 10 rows does not split evenly over 4 processes"):
        BatchPlan(100, 10, True, 0, world_size=4)


def test_batches_are_indices() -> None:
    (batch,) = BatchPlan(4, 4, True, 0).batches(0, 1)
    assert batch.dtype == np.intp
