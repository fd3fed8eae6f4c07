"""Tasks that are measured together: named suites, a file, a TOML file that declares tasks; their averages."""

from __future__ import annotations

from juyi.suites.applied import applied, declared_suite, of_file
from juyi.suites.averages import AVERAGE, WEIGHTED_AVERAGE, over_splits, over_tasks
from juyi.suites.catalogue import SUITES, open_suite
from juyi.suites.chinese import CHINESE_NAMES, chinese_five, chinese_pairs, chinese_sts
from juyi.suites.counts import PUBLISHED_COUNTS, count_warning, count_warnings
from juyi.suites.declared import DeclaredTask
from juyi.suites.english import WHOLE, english_sts
from juyi.suites.suite import Suite, choose, read_suite
from juyi.suites.suite_file import read_suite_file

__all__ = [
    "AVERAGE",
    "CHINESE_NAMES",
    "PUBLISHED_COUNTS",
    "SUITES",
    "WEIGHTED_AVERAGE",
    "WHOLE",
    "DeclaredTask",
    "Suite",
    "applied",
    "chinese_five",
    "chinese_pairs",
    "chinese_sts",
    "choose",
    "count_warning",
    "count_warnings",
    "declared_suite",
    "english_sts",
    "of_file",
    "open_suite",
    "over_splits",
    "over_tasks",
    "read_suite",
    "read_suite_file",
]
