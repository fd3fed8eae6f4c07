"""What an evaluation measures, on anything that encodes or compares texts: one file a kind of task."""

from __future__ import annotations

from juyi.tasks.bootstrapped_score import FEWEST_UNITS, LOWER_IS_BETTER, WITHOUT_DIRECTION, BootstrappedScore, mean_of
from juyi.tasks.encode_once import EncodeOnce, encoded_once
from juyi.tasks.geometry import Geometry
from juyi.tasks.intents import IntentRecall
from juyi.tasks.out_of_scope import OutOfScope
from juyi.tasks.pair_classification import PairClassification
from juyi.tasks.retrieval import Retrieval
from juyi.tasks.sentence_units import sentence_units
from juyi.tasks.similarity import Cosine, EncodeOrSimilarity, Similarity, encode_of
from juyi.tasks.sts import ALL, MEAN, STS, WEIGHTED_MEAN
from juyi.tasks.task import Task
from juyi.tasks.transfer import Transfer
from juyi.tasks.triplets import TripletAccuracy

__all__ = [
    "ALL",
    "FEWEST_UNITS",
    "LOWER_IS_BETTER",
    "MEAN",
    "STS",
    "WEIGHTED_MEAN",
    "WITHOUT_DIRECTION",
    "BootstrappedScore",
    "Cosine",
    "EncodeOnce",
    "EncodeOrSimilarity",
    "Geometry",
    "IntentRecall",
    "OutOfScope",
    "PairClassification",
    "Retrieval",
    "Similarity",
    "Task",
    "Transfer",
    "TripletAccuracy",
    "encode_of",
    "encoded_once",
    "mean_of",
    "sentence_units",
]
