"""What a similarity is worth as a probability: a small file in a model folder, so that no threshold is a bare cosine."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from juyi.atomic import write_text
from juyi.errors import ModelError, UsageError

CALIBRATION = "juyi_calibration.json"
"""The file. It decides nothing about the vectors, so no digest of the model counts it."""

Event = Literal["hit", "pair", "intent"]
"""What is likely: that the best hit answers a query, that two texts mean the same, that the nearest query has the same intent."""


@dataclass(frozen=True)
class OperatingPoint:
    """What comes of accepting all that is at least so likely, measured on labels that took no part in the fit.

    Attributes:
        probability: The threshold.
        similarity: The same as a similarity.
        precision: The share of the right among the accepted.
        low: The lower end of its interval, over units.
        high: The upper end.
        kept: The share of the accepted among the right.
        refused: The share of the refused among the wrong.
    """

    probability: float
    similarity: float
    precision: float
    low: float
    high: float
    kept: float
    refused: float


@dataclass(frozen=True)
class Calibration:
    """How likely an event is at a similarity: 1 / (1 + exp(-(slope * similarity + intercept))).

    Attributes:
        event: What is likely.
        slope: Above zero.
        intercept: Any number.
        count: How many decisions it was fitted on.
        units: And of how many independent units.
        right: The share of them that were right; where it is another, all probabilities are off.
        error: By how much a probability misses on average, on labels that took no part in the fit.
        level: Of the points' intervals.
        data: A digest of the labels.
        points: What thresholds lead to, the lowest first.
    """

    event: Event
    slope: float
    intercept: float
    count: int
    units: int
    right: float
    error: float
    level: float
    data: str
    points: tuple[OperatingPoint, ...]

    def __post_init__(self) -> None:
        if not (self.slope > 0 and math.isfinite(self.slope) and math.isfinite(self.intercept)):
            raise UsageError(f"The slope is {self.slope} and the intercept {self.intercept}; a slope above 0 is needed.")

    def probability(self, similarity: ArrayLike) -> NDArray[np.float64]:
        """How likely the event is.

        Shapes:
            similarity, returns: (n,)
        """
        logits = self.slope * np.asarray(similarity, dtype=np.float64) + self.intercept
        found: NDArray[np.float64] = np.exp(-np.logaddexp(0, -logits))
        return found

    def similarity(self, probability: float) -> float:
        """At which similarity the event is so likely.

        Raises:
            UsageError: It does not lie between 0 and 1.
        """
        if not 0 < probability < 1:
            raise UsageError(f"The probability is {probability}; it lies between 0 and 1, 0.5 for example.")
        return (math.log(probability / (1 - probability)) - self.intercept) / self.slope

    def for_precision(self, precision: float) -> OperatingPoint | None:
        """The lowest threshold from which on at least this share of the accepted is right; None where no measured one is.

        Raises:
            UsageError: It does not lie between 0 and 1.
        """
        if not 0 < precision <= 1:
            raise UsageError(f"The precision is {precision}; it lies above 0 and is at most 1, 0.9 for example.")
        found = None
        for point in reversed(self.points):
            if point.precision < precision:
                break
            found = point
        return found


def write_calibrations(folder: Path, calibrations: Sequence[Calibration]) -> None:
    """Put them into a model folder; nothing where there are none."""
    if calibrations:
        content = json.dumps([asdict(each) for each in calibrations], indent=2)
        write_text(folder / CALIBRATION, content + "\n")


def read_calibrations(folder: Path) -> dict[Event, Calibration]:
    """What the similarities of a model folder are worth; empty where it does not say.

    Raises:
        ModelError: The file is damaged.
    """
    path = folder / CALIBRATION
    if not path.is_file():
        return {}
    from pydantic import TypeAdapter  # slow to import, and few model folders need it

    try:
        found = TypeAdapter(list[Calibration]).validate_json(path.read_bytes())
    except (OSError, ValueError, UsageError) as error:
        raise ModelError(
            f"{path} cannot be read ({type(error).__name__}): it says what similarities are worth as probabilities. Delete it to "
            "do without, or adapt the model anew."
        ) from error
    return {each.event: each for each in found}
