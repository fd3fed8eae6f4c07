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
from juyi.data.english_sts import ENGLISH_STS, find_english_sts, read_english_sts
from juyi.data.files import PathLike, read_lines
from juyi.data.header import SCORE_NAMES, is_number
from juyi.data.hub_sets import HUB_SETS, HubSet, read_hub_pairs, read_hub_set
from juyi.data.inspection import Inspection, Lengths, inspect, normalise
from juyi.data.intents import read_clinc
from juyi.data.near_duplicates import NearDuplicates, find_near_duplicates
from juyi.data.sources import CHINESE_TASKS, find_splits
from juyi.data.tables import FORMATS, first_row
from juyi.data.transfer_sets import TRANSFER_SETS, TransferSet, find_transfer_sets, read_transfer_set

__all__ = [
    "CHINESE_TASKS",
    "ENGLISH_STS",
    "FORMATS",
    "HUB_SETS",
    "SCORE_NAMES",
    "TRANSFER_SETS",
    "Corpus",
    "HubSet",
    "Inspection",
    "LabelledPairs",
    "LabelledTexts",
    "Lengths",
    "NearDuplicates",
    "Pairs",
    "PathLike",
    "ScoredPairs",
    "TransferSet",
    "Triplets",
    "find_english_sts",
    "find_near_duplicates",
    "find_splits",
    "find_transfer_sets",
    "first_row",
    "inspect",
    "is_number",
    "normalise",
    "read_clinc",
    "read_english_sts",
    "read_hub_pairs",
    "read_hub_set",
    "read_labelled_pairs",
    "read_labelled_texts",
    "read_lines",
    "read_pairs",
    "read_scored_pairs",
    "read_texts",
    "read_transfer_set",
    "read_triplets",
]
