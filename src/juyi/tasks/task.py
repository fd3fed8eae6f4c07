"""What an evaluation measures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from juyi.types import Encode, Score


@runtime_checkable
class Task(Protocol):
    """Texts with what is known about them, and the figures that follow from encoding them.

    Whatever encodes can be evaluated: a model in training, an exported one, a whitened one, a server.
    """

    @property
    def name(self) -> str:
        """What the task is called in tables."""
        ...

    def evaluate(self, encode: Encode) -> Sequence[Score]:
        """The figures of an encoder on this task, each with its count and, where there is one, its interval."""
        ...
