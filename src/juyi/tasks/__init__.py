"""What an evaluation measures, on any encoder."""

from __future__ import annotations

from juyi.tasks.applied import applied, declared_suite, of_file
from juyi.tasks.averages import AVERAGE, WEIGHTED_AVERAGE, over_splits, over_tasks
from juyi.tasks.catalogue import SUITES, open_suite
from juyi.tasks.chinese import (
    CHINESE_NAMES,
    chinese_five,
    chinese_pairs,
    chinese_sts,
)
from juyi.tasks.counts import PUBLISHED_COUNTS, count_warning, count_warnings
from juyi.tasks.declared import DeclaredTask
from juyi.tasks.english import WHOLE, english_sts
from juyi.tasks.fitting import Fitting, Sentences, on_corpus, on_target
from juyi.tasks.geometry import Geometry
from juyi.tasks.intents import IntentRecall
from juyi.tasks.measured import LOWER_IS_BETTER, WITHOUT_DIRECTION, Measured, mean_of
from juyi.tasks.memo import EncodeOnce
from juyi.tasks.out_of_scope import OutOfScope
from juyi.tasks.pair_classification import PairClassification
from juyi.tasks.retrieval import Retrieval
from juyi.tasks.similarity import Cosine, Similarity, Subject
from juyi.tasks.sts import ALL, MEAN, STS, WEIGHTED_MEAN
from juyi.tasks.suites import ENCODING, Progress, Suite, SuiteResult, choose, evaluate_suite, read_suite
from juyi.tasks.task import Task
from juyi.tasks.transfer import Transfer
from juyi.tasks.triplets import TripletAccuracy

__all__ = [
    "ALL",
    "AVERAGE",
    "CHINESE_NAMES",
    "ENCODING",
    "LOWER_IS_BETTER",
    "MEAN",
    "PUBLISHED_COUNTS",
    "STS",
    "SUITES",
    "WEIGHTED_AVERAGE",
    "WEIGHTED_MEAN",
    "WHOLE",
    "WITHOUT_DIRECTION",
    "Cosine",
    "DeclaredTask",
    "EncodeOnce",
    "Fitting",
    "Geometry",
    "IntentRecall",
    "Measured",
    "OutOfScope",
    "PairClassification",
    "Progress",
    "Retrieval",
    "Sentences",
    "Similarity",
    "Subject",
    "Suite",
    "SuiteResult",
    "Task",
    "Transfer",
    "TripletAccuracy",
    "applied",
    "chinese_five",
    "chinese_pairs",
    "chinese_sts",
    "choose",
    "count_warning",
    "count_warnings",
    "declared_suite",
    "english_sts",
    "evaluate_suite",
    "mean_of",
    "of_file",
    "on_corpus",
    "on_target",
    "open_suite",
    "over_splits",
    "over_tasks",
    "read_suite",
]
