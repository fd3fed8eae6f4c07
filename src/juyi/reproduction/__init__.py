"""Running a table: every cell trained and measured, beside the published figure."""

from __future__ import annotations

from juyi.reproduction.experiment import Experiment, Place, Plan, ReproduceOptions, plan
from juyi.reproduction.outcome import Outcome, VariantDifference, differences
from juyi.reproduction.reproduce import RECORD, Reproduction, reproduce

__all__ = [
    "RECORD",
    "Experiment",
    "Outcome",
    "Place",
    "Plan",
    "ReproduceOptions",
    "Reproduction",
    "VariantDifference",
    "differences",
    "plan",
    "reproduce",
]
