"""Which rows come together at which step: a function of the seed alone, so that a run can be taken up anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from juyi.errors import TrainingError


@dataclass(frozen=True)
class BatchPlan:
    """The order of the rows over a run.

    Attributes:
        rows: How many rows there are.
        batch_size: Rows of one step, over all processes.
        drop_last: Leave out the last, smaller batch of an epoch. One with a single row is always left out (it has no negative),
            as is one that does not split evenly over the processes.
        seed: Draws the order, anew for every epoch.
        rank: This process's number.
        world_size: Processes; each takes an equal share of every batch.
    """

    rows: int
    batch_size: int
    drop_last: bool
    seed: int
    rank: int = 0
    world_size: int = 1

    def __post_init__(self) -> None:
        if self.batch_size % self.world_size:
            raise TrainingError(f"The batch of {self.batch_size} rows does not split evenly over {self.world_size} processes.")
        if self.steps_per_epoch == 0:
            raise TrainingError(
                f"There are {self.rows} rows, too few for one batch of {self.batch_size}. Give more rows, or lower "
                "training.batch_size."
            )

    @property
    def steps_per_epoch(self) -> int:
        """Batches in one pass over the rows."""
        whole, rest = divmod(self.rows, self.batch_size)
        return whole + (1 if self._keeps(rest) else 0)

    def batches(self, first_step: int, steps: int) -> Iterator[NDArray[np.intp]]:
        """This process's row numbers for the steps from `first_step` up to `steps`."""
        per_epoch = self.steps_per_epoch
        order, drawn = np.zeros(0, dtype=np.intp), -1
        for step in range(first_step, steps):
            epoch, index = divmod(step, per_epoch)
            if epoch != drawn:
                order, drawn = np.random.default_rng([self.seed, epoch]).permutation(self.rows), epoch
            batch = order[index * self.batch_size : (index + 1) * self.batch_size]
            share = len(batch) // self.world_size
            yield batch[self.rank * share : (self.rank + 1) * share]

    def _keeps(self, rest: int) -> bool:
        return not self.drop_last and rest > 1 and rest % self.world_size == 0
