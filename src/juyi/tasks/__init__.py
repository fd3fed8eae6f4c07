"""What an evaluation measures, on any encoder."""

from __future__ import annotations

from juyi.tasks.chinese import CHINESE_NAMES, PUBLISHED_COUNTS, chinese_five, count_warning, count_warnings
from juyi.tasks.memo import EncodeOnce
from juyi.tasks.sts import STS
from juyi.tasks.suites import AVERAGE, WEIGHTED_AVERAGE, Progress, SuiteResult, averages, evaluate_suite
from juyi.tasks.task import Task

__all__ = [
    "AVERAGE",
    "CHINESE_NAMES",
    "PUBLISHED_COUNTS",
    "STS",
    "WEIGHTED_AVERAGE",
    "EncodeOnce",
    "Progress",
    "SuiteResult",
    "Task",
    "averages",
    "chinese_five",
    "count_warning",
    "count_warnings",
    "evaluate_suite",
]
