"""Pairs worth labelling, as a sheet that people fill in: in a spreadsheet or in the terminal."""

from juyi.labelling.rubric import HIGHEST, LOWEST, Grade, grades
from juyi.labelling.sampling import DrawnPair, draw_pairs, sampling_weights
from juyi.labelling.sheet import (
    ANSWERS,
    BATCH,
    NAME,
    RESERVE,
    LabelSheet,
    SheetLabels,
    SheetPair,
    holds_labels,
    labels_without_sheet,
)

__all__ = [
    "ANSWERS",
    "BATCH",
    "HIGHEST",
    "LOWEST",
    "NAME",
    "RESERVE",
    "DrawnPair",
    "Grade",
    "LabelSheet",
    "SheetLabels",
    "SheetPair",
    "draw_pairs",
    "grades",
    "holds_labels",
    "labels_without_sheet",
    "sampling_weights",
]
