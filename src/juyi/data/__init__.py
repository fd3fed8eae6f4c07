"""Reading, finding and inspecting data, without torch."""

from __future__ import annotations

from juyi.data.columns import (
    Corpus,
    LabelledPairs,
    LabelledTexts,
    Pairs,
    ScoredPairs,
    Triplets,
    read_labelled_pairs,
    read_labelled_texts,
    read_pairs,
    read_scored_pairs,
    read_texts,
    read_triplets,
)
from juyi.data.files import PathLike, read_lines
from juyi.data.inspection import Inspection, Lengths, inspect, normalise
from juyi.data.near_duplicates import NearDuplicates, find_near_duplicates
from juyi.data.sources import CHINESE_TASKS, find_splits
from juyi.data.tables import FORMATS

__all__ = [
    "CHINESE_TASKS",
    "FORMATS",
    "Corpus",
    "Inspection",
    "LabelledPairs",
    "LabelledTexts",
    "Lengths",
    "NearDuplicates",
    "Pairs",
    "PathLike",
    "ScoredPairs",
    "Triplets",
    "find_near_duplicates",
    "find_splits",
    "inspect",
    "normalise",
    "read_labelled_pairs",
    "read_labelled_texts",
    "read_lines",
    "read_pairs",
    "read_scored_pairs",
    "read_texts",
    "read_triplets",
]
