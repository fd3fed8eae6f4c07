"""What an evaluation measures, on any encoder."""

from __future__ import annotations

from juyi.tasks.averages import AVERAGE, WEIGHTED_AVERAGE, over_splits, over_tasks
from juyi.tasks.chinese import (
    CHINESE_NAMES,
    chinese_five,
    chinese_pairs,
    chinese_sts,
)
from juyi.tasks.counts import PUBLISHED_COUNTS, count_warning, count_warnings
from juyi.tasks.geometry import Geometry
from juyi.tasks.measured import Measured, mean_of
from juyi.tasks.memo import EncodeOnce
from juyi.tasks.pair_classification import PairClassification
from juyi.tasks.similarity import Cosine, Similarity, Subject
from juyi.tasks.sts import STS
from juyi.tasks.suites import ENCODING, Progress, Suite, SuiteResult, evaluate_suite, read_suite
from juyi.tasks.task import Task
from juyi.tasks.triplets import TripletAccuracy

__all__ = [
    "AVERAGE",
    "CHINESE_NAMES",
    "ENCODING",
    "PUBLISHED_COUNTS",
    "STS",
    "WEIGHTED_AVERAGE",
    "Cosine",
    "EncodeOnce",
    "Geometry",
    "Measured",
    "PairClassification",
    "Progress",
    "Similarity",
    "Subject",
    "Suite",
    "SuiteResult",
    "Task",
    "TripletAccuracy",
    "chinese_five",
    "chinese_pairs",
    "chinese_sts",
    "count_warning",
    "count_warnings",
    "evaluate_suite",
    "mean_of",
    "over_splits",
    "over_tasks",
    "read_suite",
]
