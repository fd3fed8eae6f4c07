"""Reading, finding and inspecting data, without torch."""

from __future__ import annotations

from juyi.data.files import PathLike, read_lines
from juyi.data.inspection import Inspection, Lengths, inspect
from juyi.data.left_out import BadRows
from juyi.data.near_duplicates import NearDuplicates, find_near_duplicates
from juyi.data.normalisation import normalise
from juyi.data.numbers import is_number
from juyi.data.pairs import read_pairs, read_triplets
from juyi.data.read_options import ReadOptions, ReadSettings
from juyi.data.row_shapes import LabelledPairs, LabelledTexts, Pairs, ScoredPairs, Texts, Triplets
from juyi.data.scored import read_labelled_pairs, read_labelled_texts, read_scored_pairs
from juyi.data.shapes import Shape, Understanding, understand, understand_texts
from juyi.data.tables import FORMATS
from juyi.data.text_stream import TextRow, TextStream
from juyi.data.texts import open_texts, read_texts

__all__ = [
    "FORMATS",
    "BadRows",
    "Inspection",
    "LabelledPairs",
    "LabelledTexts",
    "Lengths",
    "NearDuplicates",
    "Pairs",
    "PathLike",
    "ReadOptions",
    "ReadSettings",
    "ScoredPairs",
    "Shape",
    "TextRow",
    "TextStream",
    "Texts",
    "Triplets",
    "Understanding",
    "find_near_duplicates",
    "inspect",
    "is_number",
    "normalise",
    "open_texts",
    "read_labelled_pairs",
    "read_labelled_texts",
    "read_lines",
    "read_pairs",
    "read_scored_pairs",
    "read_texts",
    "read_triplets",
    "understand",
    "understand_texts",
]
