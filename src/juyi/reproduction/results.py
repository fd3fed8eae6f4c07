"""Measured figures on disk: one small file each, named by all that decides it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ConfigDict, TypeAdapter, ValidationError

from juyi.atomic import write_text
from juyi.errors import DataError
from juyi.tasks import BootstrappedScore

_FORMAT = 1
_PLACES = 4
"""Decimals of resampled figures: their differences are told to two."""


@dataclass(frozen=True)
class Result:
    """One measured figure.

    Attributes:
        value: The figure, in the unit of its metric.
        interval: Its 95 % interval over units; None where nothing could be drawn.
        count: Items that were measured.
        units: Independent groups of them that were drawn.
        labels: What it owes to its data: `transductive`, `dev-selected`, `translated`.
        warning: Why it cannot be compared with published figures; empty where it can.
        run: The folder of the training, relative to where the command ran; empty for none.
        seconds: What encoding and measuring took for all figures of the experiment; what training took stands in its run.
        replicates: The figure on each resample; the resamples are the same for all encoders.
    """

    __pydantic_config__ = ConfigDict(allow_inf_nan=False)

    value: float
    interval: tuple[float, float] | None
    count: int
    units: int | None
    labels: tuple[str, ...] = ()
    warning: str = ""
    run: str = ""
    seconds: float = 0.0
    replicates: tuple[float, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, found: BootstrappedScore, **more: Any) -> Result:
        """The figure of a score."""
        score = found.score
        interval = None if score.interval is None else (score.interval.low, score.interval.high)
        drawn = () if found.replicates is None else tuple(np.round(found.replicates, _PLACES).tolist())
        return cls(score.value, interval, score.count, score.units, score.labels, replicates=drawn, **more)


class Results:
    """The figures of a folder.

    Args:
        folder: `cells/` of the output.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, key: str) -> Result | None:
        """The figure of this key; None where it was not measured yet.

        Raises:
            DataError: Its file is damaged.
        """
        path = self._path(key)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            return TypeAdapter(Result).validate_json(content)
        except ValidationError as error:
            raise DataError("this is no result of `juyi reproduce`. Remove the file; it is measured again.", path=path) from error

    def write(self, key: str, result: Result) -> None:
        """Keep a figure; whole or not at all."""
        write_text(self._path(key), json.dumps(asdict(result), ensure_ascii=False) + "\n")

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.json"


def result_key(*decisive: Any) -> str:
    """Sixteen hexadecimal digits that change when anything does that decides a figure."""
    whole = json.dumps([_FORMAT, *decisive], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(whole.encode()).hexdigest()[:16]
