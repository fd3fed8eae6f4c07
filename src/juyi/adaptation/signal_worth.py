"""What figures that need no labels are worth, as it was measured where labels could be asked (`docs/label-free.md`)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from juyi.declarations import build

RECORD = Path(__file__).parent / "signal_worth.toml"
AGREEMENT = "agreement with another encoder"
CHANCE = 50.0

Estimate = tuple[float, float, float]
"""A value and the ends of its 95 % interval over sets, those that share rows counted as one."""


@dataclass(frozen=True)
class SignalWorth:
    """How well a signal chose, on sets by which it was not turned.

    Attributes:
        correlation: Of its change with the gain, by rank.
        told_apart: How often, of a change that certainly helped and one that certainly harmed, it judged the first better, in
            percent.
        gain: What its choice gained over the encoder as it was, in points.
        worse: How many choices were certainly worse than the encoder as it was.
        choices: Of how many.
    """

    correlation: Estimate
    told_apart: Estimate
    gain: Estimate
    worse: int
    choices: int

    @property
    def tells(self) -> bool:
        """Whether more of it certainly goes with more gain, and it certainly tells help from harm better than a coin."""
        return self.correlation[1] > 0 and self.told_apart[1] > CHANCE


@dataclass(frozen=True)
class EncoderGain:
    """What agreement with another encoder chose for one encoder.

    Attributes:
        gain: In points, the mean over sets.
        best: What the best way of each set gained.
    """

    gain: float
    best: float


@dataclass(frozen=True)
class SignalStudy:
    """What the signals were asked about.

    Attributes:
        sets: Labelled sets.
        ways: Changed encoders: trained, whitened, both; on all sets.
        best: What the best change of each encoder on each set gained, in points: more is not to be had by choosing.
        signal: By its name.
        encoder: That were changed, by their names.
    """

    sets: int
    ways: int
    best: float
    signal: Mapping[str, SignalWorth]
    encoder: Mapping[str, EncoderGain]


@cache
def signal_study() -> SignalStudy:
    """The study that ships with juyi."""
    return build(tomllib.loads(RECORD.read_text(encoding="utf-8")), SignalStudy, origin=RECORD.name)
